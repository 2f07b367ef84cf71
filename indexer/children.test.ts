import { readFileSync } from 'node:fs'
import { type Address, encodeDeployData, encodeFunctionData, type Hex } from 'viem'
import { expect, test } from 'vitest'
import { compileSources } from '#contracts/compile.ts'
import type { Database } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { type Factory, startIndexer } from './index.ts'
import { testChain } from './test/chain.ts'
import { faultyNode } from './test/faultyNode.ts'
import { expectClean, follow } from './test/follow.ts'

const source = readFileSync(new URL('./test/Family.sol', import.meta.url), 'utf8')
let compiled: Awaited<ReturnType<typeof compileSources>>[string] | undefined

/** A chain with a factory on it, which the deployment names. */
async function family() {
  compiled ??= (await compileSources({ 'Family.sol': source }))['Family.sol']!
  const { Factory: maker, Child: made } = compiled
  const plain = await testChain()
  const transact = async (to: Address | undefined, data: Hex) => {
    const hash = await plain.call('eth_sendTransaction', { from: plain.accounts[1], to, data, gas: '0x1000000' })
    const receipt = await plain.call('eth_getTransactionReceipt', hash)
    return receipt as { contractAddress: Address; blockNumber: Hex; logs: { address: string; topics: Hex[] }[] }
  }
  const bytecode: Hex = `0x${maker!.evm.bytecode.object}`
  const { contractAddress: address } = await transact(undefined, encodeDeployData({ abi: maker!.abi, bytecode }))
  const factory: Factory = {
    address,
    event: 'event Created(address indexed child, uint256 number)',
    argument: 'child',
    follows: 'GOpen',
  }
  const chain = { ...plain, deployment: { ...plain.deployment, factories: [factory] } }
  return {
    chain,
    factory,
    /** Makes so many children in one block. @returns their addresses. */
    async make(count: number): Promise<Address[]> {
      const data = encodeFunctionData({ abi: maker!.abi, functionName: 'make', args: [count] })
      const { logs } = await transact(address, data)
      const announced = logs.filter((log) => log.address === address)
      return announced.map(({ topics }) => `0x${topics[1]!.slice(26)}` as Address)
    },
    async move(child: Address, value: number) {
      await transact(
        child,
        encodeFunctionData({ abi: made!.abi, functionName: 'move', args: [plain.accounts[3], value] }),
      )
    },
  }
}

type Family = Awaited<ReturnType<typeof family>>

/** Fails unless the index holds every log of the children, as the node tells them. */
async function expectHeard({ chain }: Family, db: Database, children: Address[]) {
  const filter = { fromBlock: '0x0', toBlock: 'latest', address: children }
  const logs = (await chain.call('eth_getLogs', filter)) as { blockNumber: Hex; logIndex: Hex; address: string }[]
  const { rows } = await db.query(
    'select from_block as block, log_index as index, address from chain_event where address = any($1) order by id',
    [children],
  )
  expect(rows).toEqual(
    logs.map(({ blockNumber, logIndex, address }) => ({
      block: Number(blockNumber),
      index: Number(logIndex),
      address,
    })),
  )
  const followed = await db.query('select id, contract from followed_contract where to_block is null')
  expect(followed.rows.map(({ id }) => id).sort()).toEqual([...children].sort())
}

test('what new contracts say is indexed from their first word, in final ranges and at the head alike', async () => {
  const world = await family()
  const { chain, make, move } = world
  const children = [...(await make(2)), ...(await make(1))]
  for (let i = 0; i < 30; i++) {
    if (i % 10 === 4) children.push(...(await make(1)))
    await move(children[i % children.length]!, i)
  }
  const node = await faultyNode(chain.url)
  node.fault = ({ method, params }) => {
    if (method !== 'eth_getLogs') return undefined
    const [{ fromBlock, toBlock }] = params as [{ fromBlock?: string; toBlock?: string }]
    return fromBlock && Number(toBlock) - Number(fromBlock) >= 7
      ? { error: { code: -32005, message: 'limited to a 7 block range' } }
      : undefined
  }
  const [ranged, linked] = [await freshDatabase(), await freshDatabase()]
  await (await follow(chain, ranged, { rpcUrl: node.url, confirmations: 1 })).caughtUp()
  await expectHeard(world, ranged, children)
  await (await follow(chain, linked, { confirmations: 10_000 })).caughtUp()
  await expectHeard(world, linked, children)
  await expectClean(chain, ranged)
})

test('new contracts are followed while the chain grows, and after a restart', async () => {
  const world = await family()
  const { chain, make, move } = world
  const db = await freshDatabase()
  const first = await follow(chain, db)
  await first.caughtUp()
  const children = await make(2)
  await move(children[0]!, 5)
  await first.caughtUp()
  await expectHeard(world, db, children)
  await first.stop()
  await move(children[1]!, 6)
  await (await follow(chain, db)).caughtUp()
  await expectHeard(world, db, children)
})

test('a contract whose making a reorganisation undid is forgotten, and followed anew when it is made again', async () => {
  const world = await family()
  const { chain, make, move } = world
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { confirmations: 64 })
  const [kept] = await make(1)
  await move(kept!, 1)
  const [lost] = await make(1)
  await move(lost!, 2)
  await indexer.caughtUp()
  await expectHeard(world, db, [kept!, lost!])
  await chain.call('anvil_reorg', 2, [])
  await indexer.caughtUp()
  await expectHeard(world, db, [kept!])
  await expectClean(chain, db)
  const [anew] = await make(1)
  expect(anew).toBe(lost) // the factory's next child stands where the lost one stood
  await move(anew!, 3)
  await indexer.caughtUp()
  await expectHeard(world, db, [kept!, anew!])
  await expectClean(chain, db)
})

test('a factory that cannot be what its declaration says is refused', async () => {
  const { chain, factory } = await family()
  const db = await freshDatabase()
  const start = (changed: Partial<Factory>) => {
    const deployment = { ...chain.deployment, factories: [{ ...factory, ...changed }] }
    return startIndexer({ db, rpcUrl: chain.url, deployment })
  }
  await expect(start({ argument: 'number' })).rejects.toThrow('has no address named number')
  await expect(start({ event: 'Created' })).rejects.toThrow('is no event declaration')
  await expect(start({ follows: 'Stranger' as never })).rejects.toThrow('no handlers for a Stranger')
})
