import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeAbiParameters, parseAbi, toEventSelector } from 'viem'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startWorld, type World } from '#contracts/test/world.ts'
import { startIndexer } from '#indexer/index.ts'
import { startReplay } from '#indexer/replay/server.ts'
import { testChain } from '#indexer/test/chain.ts'
import { openDatabase } from '#schema/database.ts'
import { freshDatabase, freshDatabaseUrl } from './database.ts'
import { run } from './refusals.ts'

/** What cannot be followed is refused by the program itself, in words that say what to do, and nothing is stored. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

const index = (args: string[], env: Record<string, string> = {}) =>
  freshDatabaseUrl().then(async (url) => {
    const { code, said } = await run('index', { RPC_URL: world.anvil.url, DATABASE_URL: url, ...env }, args)
    const db = await openDatabase(url)
    const stored = Number((await db.query('select count(*) from cursor')).rows[0].count)
    await db.close()
    return { code, said, stored }
  })

const NOBODY = `0x${'ab'.repeat(20)}` as const

test('an address without code, a contract that is no Governor, a start block to come, an option that is missing', async () => {
  const { ModelGovernor, GOpen } = world.at
  const cases: [string[], RegExp][] = [
    [
      ['--governor', NOBODY, '--start-block', '1'],
      /has no contract at 0xab.*named as the governor. Correct the address, or RPC_URL/,
    ],
    [
      ['--governor', GOpen, '--start-block', '1'],
      /is no Governor: it has no votingPeriod\(\). Name the Governor itself/,
    ],
    [['--governor', ModelGovernor, '--start-block', '1', '--token', NOBODY], /named as the token of/],
    [
      ['--governor', ModelGovernor, '--start-block', '99999999'],
      /start block 99999999 lies in the future: chain 31337 is at block \d+. Correct startBlock/,
    ],
    [['--governor', ModelGovernor], /--start-block: required with --governor/],
    [['--governor', '0x12', '--start-block', '1'], /--governor: expected an address: 0x and 40 hex digits/],
    [['--config', 'none.json'], /--config: cannot read none.json. Name a file like docs\/governors.example.json/],
  ]
  await Promise.all(
    cases.map(async ([args, what]) =>
      expect(await index(args)).toEqual({ code: 1, said: expect.stringMatching(what), stored: 0 }),
    ),
  )
}, 60_000)

test('a configuration file is refused with every place in it that cannot be used', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-config-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const governor = { address: world.at.ModelGovernor, startBlock: 1 }
  const cases: [unknown, RegExp][] = [
    [{ chains: [] }, /chains: name at least one/],
    [
      { chains: [{ chainId: 31337, governors: [{ ...governor, startBlock: -1, clock: 'moon', extra: 1 }] }] },
      /chains\[0\]\.governors\[0\]\.startBlock: expected a whole number from 0[\s\S]*\.clock: [\s\S]*Unrecognized key: "extra"/,
    ],
    [
      { chains: [{ chainId: 31337, governors: [governor, governor] }] },
      /names 0x\w+ twice on chain 31337: name it once/,
    ],
    [
      { chains: [{ chainId: 10, governors: [governor] }] },
      /leads to chain 31337, but the contracts stand on chain 10. Correct RPC_URL/,
    ],
    ['{', /is not JSON/],
  ]
  await Promise.all(
    cases.map(async ([content, what], i) => {
      const file = join(folder, `governors${i}.json`)
      await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
      expect(await index(['--config', file])).toEqual({ code: 1, said: expect.stringMatching(what), stored: 0 })
    }),
  )
}, 60_000)

test('events that have a Governor’s topics and not its shapes stop the indexer, and name the log', async () => {
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
  const indexer = await startIndexer({ db, rpcUrl: replay.url, deployment })
  await expect(indexer.stopped).rejects.toThrow(
    new RegExp(
      `Log 3 of block 1 is not what a ModelGovernor emits.*${address} was named as one: correct the deployment, or the configuration`,
    ),
  )
  expect((await db.query('select 1 from chain_event')).rows).toEqual([])
})

test('another chain of the same id is no continuation of the one that is indexed', async () => {
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
    /another chain than the one that is indexed, though both have the id 31337: block \d+ is 0x\w+ there, 0x\w+ here. Correct RPC_URL/,
  )
}, 60_000)
