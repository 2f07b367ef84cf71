import { encodeFunctionData, type Hex, keccak256, stringToHex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { testApi } from '#graphql/test/api.ts'
import { startIndexer } from '#indexer/index.ts'
import { shows } from '#indexer/test/followedList.ts'
import { type At, expectOneRoot, governorChain, spreadPower } from '#indexer/test/governors.ts'
import { PROPOSAL_STATES } from '#rules/tally.ts'
import type { Database } from '#schema/database.ts'
import { must } from './must.ts'

/** A sync keeps only some headers. States as of each block and time are those of the contracts all the same, however unevenly blocks come. */

interface Asked {
  governor: At
  id: bigint
}

async function uneven() {
  const chain = await governorChain()
  onTestFinished(() => chain.anvil.stop())
  const governors: At[] = []
  for (const [votes, delay, period] of [
    ['TimeVotes', 45, 200],
    ['BlockVotes', 9, 30],
  ] as const) {
    const token = await chain.deploy(votes)
    await spreadPower(chain, token)
    const timelock = await chain.deploy('TimelockOf', [3n, [await chain.nextAddress(1), must(chain.accounts[0])]])
    governors.push(await chain.deploy('AnyGovernor', [token.address, timelock.address, delay, period, 200n, 6]))
    if (votes === 'TimeVotes') continue
    const bravoTimelock = await chain.deploy('BravoTimelock', [3n])
    governors.push(await chain.deploy('Bravo', [token.address, bravoTimelock.address]))
  }
  const [seconds, blocks, bravo] = governors as [At, At, At]
  /** Blocks this many seconds apart. */
  const mine = async (count: number, interval: number) => {
    const latest = (await chain.call('eth_getBlockByNumber', 'latest', false)) as { timestamp: string }
    for (let n = 1; n <= count; n++) {
      await chain.call('evm_setNextBlockTimestamp', Number(latest.timestamp) + n * interval)
      await chain.call('evm_mine')
    }
  }
  const asked: Asked[] = []
  for (const governor of [seconds, blocks]) {
    const plan = [[governor.address], [0n], ['0x'], 'uneven']
    await chain.send(1, governor, 'propose', plan)
    const hashed = [...plan.slice(0, 3), keccak256(stringToHex('uneven'))]
    asked.push({ governor, id: (await chain.read(governor, 'hashProposal', hashed)) as bigint })
  }
  await chain.send(1, bravo, 'propose', [[], [], [], [], 'expires'])
  asked.push({ governor: bravo, id: 1n })
  await chain.pass(3)
  await chain.send(1, bravo, 'castVote', [1n, 1])
  await chain.pass(7)
  await chain.send(2, bravo, 'queue', [1n])
  for (const [count, interval] of [
    [7, 1],
    [1, 31],
    [20, 2],
    [3, 70],
    [11, 1],
    [25, 3],
    [2, 90],
    [12, 1],
  ] as const)
    await mine(count, interval)
  return { chain, asked }
}

const hex = (value: number) => `0x${value.toString(16)}`

test(shows('between', 'live and clean, however unevenly blocks come'), async () => {
  const { chain, asked } = await uneven()
  const head = await chain.head()
  const deployment = {
    chainId: chain.anvil.chainId,
    startBlock: 1,
    addresses: {},
    governors: asked.map(({ governor }) => ({ address: governor.address })),
  }
  const index = async (db: Database, confirmations: number) => {
    const stop = new AbortController()
    const indexer = await startIndexer({ db, rpcUrl: chain.url, deployment, signal: stop.signal, confirmations })
    await indexer.caughtUp()
    stop.abort()
    await indexer.stopped
    return Number((await db.query('select count(*) as n from block')).rows[0].n)
  }
  const [clean, live] = [await testApi(), await testApi()]
  const kept = await index(clean.db, 2)
  expect(await index(live.db, head)).toBe(head + 1) // nothing is final: every block is linked to the one before
  expect(kept).toBeLessThan(head / 1.5)

  const states = async ({ ask }: typeof clean, asOf: string) => {
    const { data, errors } = await ask(`{ proposals(asOf: ${asOf}) { nodes { onChainId governorId state } } }`)
    expect(errors).toBeUndefined()
    type Node = { onChainId: string; governorId: string; state: string }
    return new Map((data.proposals.nodes as Node[]).map((one) => [`${one.governorId} ${one.onChainId}`, one.state]))
  }
  const contractState = async ({ governor: { abi, address }, id }: Asked, block: number) => {
    const data = encodeFunctionData({ abi, functionName: 'state', args: [id] })
    const answer = await chain.call('eth_call', { to: address, data }, hex(block)).catch(() => undefined)
    return answer === undefined ? undefined : PROPOSAL_STATES[Number(answer as Hex)]
  }
  const seen = new Set<string>()
  const times: number[] = []
  const compareBlock = async (block: number) => {
    const header = (await chain.call('eth_getBlockByNumber', hex(block), false)) as { timestamp: string }
    times[block] = Number(header.timestamp)
    const [one, other] = await Promise.all([clean, live].map((api) => states(api, `{ block: ${block} }`)))
    for (const of of asked) {
      const key = `${of.governor.address.toLowerCase()} ${of.id}`
      if (!one?.has(key)) continue
      const expected = await contractState(of, block)
      expect([block, key, one.get(key)]).toEqual([block, key, expected])
      expect([block, key, other?.get(key)]).toEqual([block, key, expected])
      seen.add(`${asked.indexOf(of)} ${expected}`)
    }
  }
  await inParallel(
    Array.from({ length: head }, (_, index) => index + 1),
    compareBlock,
  )
  expect([...seen].sort()).toEqual(
    expect.arrayContaining([
      '0 Active',
      '0 Defeated',
      '0 Pending',
      '1 Active',
      '1 Defeated',
      '1 Pending',
      '2 Expired',
      '2 Queued',
    ]),
  )
  // As of a time, a clock that counts blocks shows the last block up to it.
  const compareTime = async (time: number) => {
    const block = times.findLastIndex((one) => one <= time)
    const both = [clean, live].map((api) => states(api, `{ time: "${new Date(time * 1000).toISOString()}" }`))
    const of = must(asked[1])
    const key = `${of.governor.address.toLowerCase()} ${of.id}`
    const found = (await Promise.all(both)).map((one) => one.get(key))
    if (found[0] === undefined) return
    const expected = await contractState(of, block)
    expect([time, block, ...found]).toEqual([time, block, expected, expected])
  }
  const from = must(times[1])
  const steps = Math.floor((must(times[head]) - from) / 6)
  await inParallel(
    Array.from({ length: steps }, (_, step) => from + step * 6),
    compareTime,
  )
})

async function inParallel(all: readonly number[], work: (one: number) => Promise<void>) {
  for (let start = 0; start < all.length; start += 10) await Promise.all(all.slice(start, start + 10).map(work))
}

test('however a chain with uneven blocks is indexed, the state root is the same', async () => {
  const { chain, asked } = await uneven()
  const governors = asked.map(({ governor }) => ({ address: governor.address }))
  await expectOneRoot(chain, { chainId: chain.anvil.chainId, startBlock: 1, addresses: {}, governors })
})
