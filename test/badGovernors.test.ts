import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeAbiParameters, parseAbi, toEventSelector } from 'viem'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { followedChains } from '#cli/governors.ts'
import { startWorld, type World } from '#contracts/test/world.ts'
import { type FollowedGovernor, startIndexer } from '#indexer/index.ts'
import { startReplay } from '#indexer/replay/server.ts'
import { testChain } from '#indexer/test/chain.ts'
import { openDatabase } from '#schema/database.ts'
import { freshDatabase, freshDatabaseUrl } from './database.ts'
import { runProgram } from './testSystem.ts'

/** The program refuses contracts that it cannot follow, with a message that says what to do, and stores nothing. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

const NOBODY = `0x${'ab'.repeat(20)}` as const

test('the program refuses an address without code and a file with errors, names each error, and stores nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-config-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'governors.json')
  const wrong = { address: world.at.ModelGovernor, startBlock: -1, clock: 'moon', extra: 1 }
  await writeFile(file, JSON.stringify({ chains: [{ chainId: 31337, governors: [wrong] }] }))
  const url = await freshDatabaseUrl()
  const env = { RPC_URL: world.anvil.url, DATABASE_URL: url }
  const [nothing, faults] = await Promise.all([
    runProgram('index', env, ['--governor', NOBODY, '--start-block', '1']),
    runProgram('index', env, ['--config', file]),
  ])
  expect(nothing).toEqual({
    code: 1,
    output: expect.stringMatching(
      /has no contract at 0xab.*configured as the governor. Correct the address, or RPC_URL/,
    ),
  })
  expect(faults).toEqual({
    code: 1,
    output: expect.stringMatching(
      /chains\[0\]\.governors\[0\]\.startBlock: expected a whole number from 0[\s\S]*\.clock: [\s\S]*Unrecognized key: "extra"/,
    ),
  })
  const db = await openDatabase(url)
  expect((await db.query('select 1 from cursor')).rows).toEqual([])
  await db.close()
})

test('options and files that name no Governor are refused with a message that says what to do', async () => {
  const { ModelGovernor } = world.at
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-config-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const chains = (options: object) => followedChains(options, { rpcUrl: world.anvil.url })
  await expect(chains({ governor: ModelGovernor })).rejects.toThrow(/--start-block: required with --governor/)
  await expect(chains({ governor: '0x12', startBlock: 1 })).rejects.toThrow(
    /--governor: expected an address: 0x and 40/,
  )
  await expect(chains({ config: 'none.json' })).rejects.toThrow(
    /cannot read none.json. Name a file like docs\/governors/,
  )
  await expect(chains({ config: 'a', governor: ModelGovernor })).rejects.toThrow(/give one of them, not both/)
  const file = async (content: unknown) => {
    const path = join(folder, 'governors.json')
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return { config: path }
  }
  const governor = { address: ModelGovernor, startBlock: 1 }
  const on = (...ids: number[]) => ({ chains: ids.map((chainId) => ({ chainId, governors: [governor] })) })
  await expect(chains(await file('{'))).rejects.toThrow(/is not JSON/)
  await expect(chains(await file({ chains: [] }))).rejects.toThrow(/chains: name at least one/)
  await expect(chains(await file({ chains: [{ chainId: 1, governors: [governor, governor] }] }))).rejects.toThrow(
    /lists 0x\w+ twice on chain 1: list it once/,
  )
  await expect(chains(await file(on(1, 1)))).rejects.toThrow(/lists chain 1 twice: put its governors together/)
  await expect(chains(await file(on(1, 10)))).rejects.toThrow(/chain 1 has no rpcUrl. Add an rpcUrl/)
  await expect(chains({ ...(await file(on(1, 10))), chain: 5 })).rejects.toThrow(/has no chain 5, only 1, 10/)
  expect(await chains(JSON.parse(JSON.stringify(await file(on(10)))))).toMatchObject([
    { rpcUrl: world.anvil.url, databaseSuffix: '', deployment: { chainId: 10, startBlock: 1 } },
  ])
  expect(await followedChains({ config: 'docs/governors.example.json' }, { rpcUrl: undefined })).toMatchObject([
    { databaseSuffix: '_1', deployment: { startBlock: 9601359 } },
    { databaseSuffix: '_10' },
  ])
})

test('a node of another chain, a contract that is no Governor, a token without code and a future start block stop the indexer at its start', async () => {
  const { ModelGovernor, GOpen } = world.at
  const db = await freshDatabase()
  const start = (governor: FollowedGovernor, { chainId = 31337, startBlock = 1 } = {}) =>
    startIndexer({
      db,
      rpcUrl: world.anvil.url,
      deployment: { chainId, startBlock, addresses: {}, governors: [governor] },
    })
  await expect(start({ address: ModelGovernor }, { chainId: 10 })).rejects.toThrow(
    /leads to chain 31337, but the contracts are on chain 10. Correct RPC_URL/,
  )
  await expect(start({ address: GOpen })).rejects.toThrow(
    /is not a Governor: it has no votingPeriod\(\). Name the Governor itself/,
  )
  await expect(start({ address: ModelGovernor, token: NOBODY })).rejects.toThrow(
    /no contract at 0xab.*configured as the token of/,
  )
  await expect(start({ address: ModelGovernor }, { startBlock: 99_999_999 })).rejects.toThrow(
    /start block 99999999 is in the future: chain 31337 is at block \d+. Correct startBlock/,
  )
  expect((await db.query('select 1 from cursor')).rows).toEqual([])
})

test('a contract with an event that has the topic of a Governor’s but other parameters is set aside with a reason that names the log', async () => {
  const [vote] = parseAbi([
    'event VoteCast(address voter, uint256 proposalId, uint8 support, uint256 weight, string reason)',
  ])
  const address = `0x${'cd'.repeat(20)}`
  const data = encodeAbiParameters(vote.inputs, [NOBODY, 1n, 1, 1n, 'not indexed'])
  const event = { block: 5, transaction: 0, index: 3, address, topics: [toEventSelector(vote)], data }
  const replay = await startReplay({ chainId: 10, addresses: [address], events: [event] })
  onTestFinished(() => replay.close())
  const deployment = { chainId: 10, startBlock: 1, addresses: {}, governors: [{ address }] }
  const db = await freshDatabase()
  const stop = new AbortController()
  const indexer = await startIndexer({ db, rpcUrl: replay.url, deployment, signal: stop.signal })
  await indexer.caughtUp()
  stop.abort()
  await indexer.stopped
  const aside = await db.query('select id, contract, log_index, from_block, reason from set_aside_contract')
  const reason = expect.stringMatching(/^Log 3 of block 1 is not an event of a ModelGovernor/)
  expect(aside.rows).toEqual([{ id: address, contract: 'ModelGovernor', log_index: 3, from_block: 1, reason }])
  expect((await db.query('select 1 from chain_event')).rows).toEqual([])
})

test('the index of one chain is not continued with another chain of the same id', async () => {
  const { GOpen, ModelGovernor } = world.at
  const db = await freshDatabase()
  const stop = new AbortController()
  const follow = (rpcUrl: string, signal?: AbortSignal) => {
    const deployment = { chainId: 31337, startBlock: 1, addresses: { ModelGovernor, GOpen } }
    return startIndexer({ db, rpcUrl, deployment, signal })
  }
  const first = await follow(world.anvil.url, stop.signal)
  await first.caughtUp()
  stop.abort()
  await first.stopped

  const other = await testChain({}, { genesisTimestamp: 1_700_000_000 })
  await expect(follow(other.url)).rejects.toThrow(
    /another chain than the indexed one, though both have the id 31337: block \d+ is 0x\w+ there, 0x\w+ here. Correct RPC_URL/,
  )
})
