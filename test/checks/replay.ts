import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { followedChains } from '#cli/governors.ts'
import { type FollowedDeployment, startIndexer } from '#indexer/index.ts'
import { type Recording, readRecording } from '#indexer/replay/folder.ts'
import { type Heights, startReplay } from '#indexer/replay/server.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'
import {
  addFigure,
  type RecordedEvent,
  RecordedHolders,
  type ReplayFigures,
  readDescription,
  readEvents,
  supportOf,
} from './replay/events.ts'
import { indexedCounts, indexedHolders, indexedStates } from './replay/indexed.ts'
import { RecordedProposals } from './replay/states.ts'

/** `npm run check -- replay --dir FOLDER [--config FILE]`: serves recorded events as a chain, indexes it through forks of several depths,
 *  and compares counts, sums and delegations with those of the CSV files, which it reads independently of the indexer. Then it indexes them at their
 *  recorded heights, and compares delegations and the states of proposals there. */

const FORKS = { dense: [1, 7, 64, 1, 30], recorded: [20] }
/** The heights at which delegations and states are compared, at most. */
const MAX_HEIGHTS = 60

type Say = (line: string) => void

/** @returns whether everything is as expected. */
export async function checkReplay(dir: string, config: string | undefined, say: Say = console.log): Promise<boolean> {
  const folder = resolve(dir)
  const recording = await readRecording(folder)
  const deployment = await deploymentOf(folder, config)
  const events = await readEvents(folder, deployment)
  for (const [what, number] of events.passedOver) say(`passed over: ${number} × ${what}, which is not followed`)
  const passedOver = [...events.passedOver.values()].reduce((sum, one) => sum + one, 0)
  const report = new Report(say)
  const work = await mkdtemp(join(tmpdir(), 'modelcommons-replay-'))
  const server = await startPostgres(work, { flags: { fsync: 'off' } })
  const index = { recording, deployment, serverUrl: server.url, say }
  try {
    const dense = await withIndex(index, 'dense', async (db, head) => {
      report.compare(expectedCounts(events.followed), await indexedCounts(db), '0')
      const holders = new RecordedHolders()
      for (const event of events.followed) holders.take(event)
      report.compare(holders.present, await indexedHolders(db, head))
    })
    const recorded = await withIndex(index, 'recorded', (db, head) =>
      compareHeights(db, head, events.followed, new RecordedProposals(deployment), report),
    )
    const { compared, wrong } = report
    say(report.ok ? 'The index has everything that was recorded.' : 'The index differs from the recording.')
    say(
      JSON.stringify({
        check: 'replay',
        ok: report.ok,
        ...dense.counts,
        ...recorded.found,
        passedOver,
        compared,
        wrong,
      }),
    )
    return report.ok
  } finally {
    await server.stop()
    await rm(work, { recursive: true, force: true })
  }
}

interface IndexOptions {
  recording: Recording
  deployment: FollowedDeployment
  serverUrl: string
  say: Say
}

/** Indexes the recording through forks into a database of its own, and reads it. */
async function withIndex<T>(
  { recording, deployment, serverUrl, say }: IndexOptions,
  heights: Heights,
  read: (db: Database, head: number) => Promise<T>,
) {
  const server = await openDatabase(serverUrl)
  await server.query(`create database ${heights}`).finally(() => server.close())
  const url = new URL(serverUrl)
  url.pathname = `/${heights}`
  await migrate(url.href)
  const db = await openDatabase(url.href)
  const replay = await startReplay(recording, { heights })
  try {
    // Dense blocks are numbered from 1.
    const startBlock = heights === 'dense' ? 1 : (recording.events[0]?.block ?? 1)
    const stop = new AbortController()
    const options = { db, rpcUrl: replay.url, deployment: { ...deployment, startBlock }, pollMs: 10 }
    const indexer = await startIndexer({ ...options, signal: stop.signal })
    await indexer.caughtUp()
    for (const depth of FORKS[heights].filter((one) => one <= replay.head)) {
      replay.fork(depth)
      await indexer.caughtUp()
    }
    const { reorganisations: forks, retractedBlocks } = indexer.status().counters
    stop.abort()
    await indexer.stopped
    const { rows } = await db.query(
      'select id, from_block as block, reason from set_aside_contract where to_block is null',
    )
    for (const { id, block, reason } of rows) say(`set aside from block ${block} on: ${id} (${reason})`)
    say(`${replay.head} blocks, ${forks} forks that removed ${retractedBlocks} blocks`)
    return { counts: { blocks: replay.head, forks, retractedBlocks }, found: await read(db, replay.head) }
  } finally {
    await replay.close()
    await db.close()
  }
}

/** The one chain of the configuration file; without a file, every recorded contract is a governor. */
async function deploymentOf(folder: string, config: string | undefined): Promise<FollowedDeployment> {
  if (config) {
    const [chain, ...others] = await followedChains({ config }, { rpcUrl: 'http://127.0.0.1' })
    if (!chain || others.length) throw new Error(`${config} must name exactly one chain, as a recording has one.`)
    return chain.deployment
  }
  const { chainId, contracts } = await readDescription(folder)
  return { chainId, startBlock: 1, addresses: {}, governors: contracts.map(({ address }) => ({ address })) }
}

/** Counts events, proposals, ballots and their weight. */
function expectedCounts(events: readonly RecordedEvent[]): ReplayFigures {
  const figures: ReplayFigures = new Map()
  const proposals = new Set<string>()
  for (const { name, address, argument } of events) {
    addFigure(figures, `${name} events of ${address}`, 1)
    if (name === 'ProposalCreated') {
      const id = `${address} ${argument('id', 'proposalId')}`
      if (!proposals.has(id)) addFigure(figures, `proposals of ${address}`, 1)
      proposals.add(id)
    }
    if (!/^(Override)?VoteCast/.test(name)) continue
    const of = `proposal ${argument('proposalId', 'id')}`
    addFigure(figures, `votes on ${of}`, 1)
    addFigure(figures, `weight of support ${supportOf(argument)} on ${of}`, argument('weight', 'votes'))
  }
  return figures
}

/** Compares delegations and states at recorded heights: at the first and last blocks of votes, and at blocks with events. */
async function compareHeights(
  db: Database,
  head: number,
  events: readonly RecordedEvent[],
  proposals: RecordedProposals,
  report: Report,
) {
  const all = new Set(
    [...proposals.boundaries(events), ...events.map(({ block }) => block)].filter((one) => one >= 1 && one < head),
  )
  const heights = [
    ...evenly(
      [...all].sort((a, b) => a - b),
      MAX_HEIGHTS - 1,
    ),
    head,
  ]
  const holders = new RecordedHolders()
  let next = 0
  let statesUntold = 0
  for (const height of heights) {
    for (let event = events[next]; event && event.block <= height; event = events[++next]) {
      holders.take(event)
      proposals.take(event)
    }
    const { states, untold } = proposals.at(height)
    statesUntold += untold.length
    const indexed = await indexedStates(db, height)
    for (const id of untold) indexed.delete(id)
    report.compare(states, indexed, 'null', height)
    report.compare(holders.present, await indexedHolders(db, height), 'nothing', height)
  }
  return { heights: heights.length, statesUntold }
}

const evenly = (all: readonly number[], most: number) =>
  all.length <= most ? all : Array.from({ length: most }, (_, n) => all[Math.floor((n * all.length) / most)] ?? 0)

/** What was compared, and what differs; equal values at a height are told by their number. */
class Report {
  compared = 0
  readonly wrong: string[] = []

  constructor(private readonly say: Say) {}

  get ok() {
    return this.wrong.length === 0
  }

  compare(expected: ReplayFigures, found: ReplayFigures, absent = 'nothing', height?: number) {
    const at = height === undefined ? '' : ` at block ${height}`
    let equal = 0
    for (const name of [...new Set([...expected.keys(), ...found.keys()])].sort()) {
      const [left, mine] = [expected.get(name) ?? absent, found.get(name) ?? absent]
      this.compared++
      if (left === mine) equal++
      else this.wrong.push(name + at)
      if (left !== mine || height === undefined)
        this.say(`${left === mine ? '✓' : '✗'} ${name}${at}: expected ${left}, found ${mine}`)
    }
    if (height !== undefined && equal) this.say(`✓ block ${height}: ${equal} values`)
  }
}
