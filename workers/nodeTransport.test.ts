import { createPublicClient, parseAbi } from 'viem'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type Anvil, startAnvil } from '#contracts/anvil.ts'
import { type Fault, FaultProxy } from '#test/faultProxy.ts'
import { ChainUnavailableError } from './chainErrors.ts'
import { faultOf } from './failures.ts'
import { nodeTransport } from './nodeTransport.ts'

let anvil: Anvil
beforeAll(async () => {
  anvil = await startAnvil()
})
afterAll(() => anvil.stop())

async function node(original = anvil.url) {
  const proxy = await FaultProxy.open(original)
  onTestFinished(() => proxy.close())
  const told: boolean[] = []
  const client = createPublicClient({
    transport: nodeTransport(proxy.url(original), {
      timeoutMs: 200,
      breaker: { failures: 2, probeMs: 100, onChange: ({ open }) => told.push(open) },
    }),
  })
  const ask = async () => {
    const begun = performance.now()
    const error = await client.getBlockNumber({ cacheTime: 0 }).then(
      () => undefined,
      (cause) => cause,
    )
    return { error, ms: performance.now() - begun }
  }
  return { proxy, client, ask, told }
}

const faults: Record<string, Fault> = {
  hangs: { mode: 'hang' },
  'is behind a network that drops packets': { mode: 'blackHole' },
  'answers 500': { mode: 'status', status: 500 },
  'limits the rate': { mode: 'status', status: 429 },
  'refuses connections': { mode: 'refuse' },
}
test.each(Object.entries(faults))(
  'while the node %s, calls fail at once; its first answer ends that',
  async (_, fault) => {
    const { proxy, ask, told } = await node()
    expect((await ask()).error).toBeUndefined()
    await proxy.set(fault)
    for (let call = 0; call < 2; call++)
      expect(faultOf((await ask()).error)).toMatchObject({ fault: 'infrastructure', failure: { code: 'CHAIN' } })
    expect(told).toEqual([true])
    const { error, ms } = await ask()
    expect(error).toBeInstanceOf(ChainUnavailableError)
    expect(error.message).toMatch(/^RPC_URL: the node has not answered since /)
    expect(ms).toBeLessThan(100)
    await proxy.set({ mode: 'pass' })
    await vi.waitFor(async () => expect((await ask()).error).toBeUndefined(), { timeout: 5000 })
    expect(told).toEqual([true, false])
  },
)

test('a WebSocket that is cut is an error of the node, too', async () => {
  const { proxy, ask, told } = await node(anvil.wsUrl)
  expect((await ask()).error).toBeUndefined()
  await proxy.set({ mode: 'hang' })
  await vi.waitFor(async () => expect((await ask()).error).toBeInstanceOf(ChainUnavailableError), { timeout: 5000 })
  expect(told).toEqual([true])
})

test('what the node says about a call is an answer, however often', async () => {
  const { client, told } = await node()
  const abi = parseAbi(['function none() view returns (uint256)'])
  for (let call = 0; call < 4; call++) {
    await expect(client.readContract({ address: `0x${'11'.repeat(20)}`, abi, functionName: 'none' })).rejects.toThrow()
    await expect(client.request({ method: 'eth_unknown' } as never)).rejects.toThrow()
  }
  expect(told).toEqual([])
})
