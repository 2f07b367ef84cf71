import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { followedChains } from '#cli/governors.ts'
import { type FollowedDeployment, startIndexer } from '#indexer/index.ts'
import { readRecording } from '#indexer/replay/folder.ts'
import { type Heights, startReplay } from '#indexer/replay/server.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'

/** `npm run check -- replay --dir FOLDER [--config FILE]`: serves recorded events as a chain, indexes it through forks of several depths,
 *  and compares counts and sums with those of the CSV files, which it reads independently of the indexer. */

const FORKS = [1, 7, 64, 1, 30]

/** The counts and sums to compare, by name, as text. */
type Figures = Map<string, string>

/** @returns whether all counts and sums are as expected. */
export async function checkReplay(
  dir: string,
  config: string | undefined,
  say: (line: string) => void = console.log,
  heights: Heights = 'dense',
): Promise<boolean> {
  const folder = resolve(dir)
  const expected = await countFiles(folder)
  const work = await mkdtemp(join(tmpdir(), 'modelcommons-replay-'))
  const server = await startPostgres(work, { flags: { fsync: 'off' } })
  const replay = await startReplay(await readRecording(folder), { heights })
  try {
    await migrate(server.url)
    const db = await openDatabase(server.url)
    const deployment = await deploymentOf(folder, config)
    const stop = new AbortController()
    const indexer = await startIndexer({ db, rpcUrl: replay.url, deployment, signal: stop.signal, pollMs: 10 })
    await indexer.caughtUp()
    for (const depth of FORKS.filter((one) => one <= replay.head)) {
      replay.fork(depth)
      await indexer.caughtUp()
    }
    const { reorganisations, retractedBlocks } = indexer.status().counters
    stop.abort()
    await indexer.stopped
    const found = await countRows(db)
    await db.close()
    say(`${replay.head} blocks, ${reorganisations} forks that removed ${retractedBlocks} blocks`)
    const { ok, compared, wrong } = report(expected, found, say)
    const counts = { blocks: replay.head, forks: reorganisations, retractedBlocks, compared, wrong }
    say(JSON.stringify({ check: 'replay', ok, ...counts }))
    return ok
  } finally {
    await replay.close()
    await server.stop()
    await rm(work, { recursive: true, force: true })
  }
}

/** The one chain of the configuration file; without a file, every recorded contract is a governor. */
async function deploymentOf(folder: string, config: string | undefined): Promise<FollowedDeployment> {
  if (config) {
    const [chain, ...others] = await followedChains({ config }, { rpcUrl: 'http://127.0.0.1' })
    if (!chain || others.length) throw new Error(`${config} must name exactly one chain, as a recording has one.`)
    return { ...chain.deployment, startBlock: 1 } // the replay numbers blocks from 1, because the recorded heights have gaps
  }
  const { chainId, contracts } = JSON.parse(await readFile(join(folder, 'replay.json'), 'utf8')) as Recorded
  return { chainId, startBlock: 1, addresses: {}, governors: contracts.map(({ address }) => ({ address })) }
}

interface Recorded {
  chainId: number
  contracts: { address: string; events: Record<string, string> }[]
}

const add = (figures: Figures, name: string, amount: bigint | number) =>
  figures.set(name, String(BigInt(figures.get(name) ?? 0) + BigInt(amount)))

/** Counts the events of the CSV files, by the names of their columns. */
async function countFiles(folder: string): Promise<Figures> {
  const { contracts } = JSON.parse(await readFile(join(folder, 'replay.json'), 'utf8')) as Recorded
  const figures: Figures = new Map()
  const proposals = new Set<string>()
  for (const { address, events } of contracts)
    for (const [file, declaration] of Object.entries(events)) {
      const event = /event (\w+)\(/.exec(declaration)?.[1]
      if (!event) throw new Error(`${file}: ${declaration} declares no event.`)
      const [names = [], ...rows] = records(await readFile(join(folder, file), 'utf8'))
      const governor = address.toLowerCase()
      for (const row of rows) {
        add(figures, `${event} events of ${governor}`, 1)
        const cell = (name: string) => {
          const value = row[names.indexOf(name)]
          if (value === undefined) throw new Error(`${file} has no column ${name}.`)
          return value
        }
        if (event === 'ProposalCreated') {
          const id = cell(names.includes('proposal_id') ? 'proposal_id' : 'id')
          if (!proposals.has(`${governor} ${id}`)) add(figures, `proposals of ${governor}`, 1)
          proposals.add(`${governor} ${id}`)
        }
        if (event === 'Transfer' && names.includes('value'))
          for (const [end, sign] of [
            ['from', -1n],
            ['to', 1n],
          ] as const)
            if (!/^0x0{40}$/.test(cell(end)))
              add(figures, `balance of ${cell(end).toLowerCase()} in ${governor}`, sign * BigInt(cell('value')))
        if (!event.startsWith('VoteCast')) continue
        const of = `proposal ${cell('proposal_id')}`
        add(figures, `votes on ${of}`, 1)
        add(
          figures,
          `weight of support ${cell('support')} on ${of}`,
          BigInt(cell(names.includes('weight') ? 'weight' : 'votes')),
        )
      }
    }
  return figures
}

/** Parses CSV with one regular expression, which matches a cell and its separator. */
function records(text: string): string[][] {
  let row: string[] = []
  const rows = [row]
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (end === '' && plain === '' && quoted === undefined && row.length === 0) break
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === '') break
    if (end !== ',') {
      row = []
      rows.push(row)
    }
  }
  return rows.filter((row) => row.length > 1)
}

async function countRows(db: Database): Promise<Figures> {
  const figures: Figures = new Map()
  const { rows } = await db.query(`
    select name || ' events of ' || address as name, count(*)::numeric as amount from chain_event where to_block is null group by 1
    union all select 'proposals of ' || governor_id, count(*) from proposal where to_block is null group by 1
    union all select 'votes on proposal ' || reverse(split_part(reverse(proposal_id), '-', 1)), count(*) from vote where to_block is null group by 1
    union all select 'balance of ' || account || ' in ' || token, balance from holder where to_block is null
    union all select 'weight of support ' || support || ' on proposal ' || reverse(split_part(reverse(proposal_id), '-', 1)), sum(weight) from vote where to_block is null group by 1`)
  for (const { name, amount } of rows) add(figures, name, amount)
  // the vote counts of a proposal must be the sums of its votes
  const { rows: tallies } = await db.query(`
    select p.on_chain_id as id, p.for_votes, p.against_votes, p.abstain_votes,
      coalesce(sum(v.weight) filter (where support = 1), 0) as f, coalesce(sum(v.weight) filter (where support = 0), 0) as a,
      coalesce(sum(v.weight) filter (where support = 2), 0) as n
    from proposal p left join vote v on v.proposal_id = p.id and v.to_block is null where p.to_block is null and not exists (
      select 1 from vote s where s.proposal_id = p.id and s.support > 2) group by 1, 2, 3, 4`)
  for (const { id, for_votes, against_votes, abstain_votes, f, a, n } of tallies)
    if (for_votes !== f || against_votes !== a || abstain_votes !== n)
      figures.set(`tally of proposal ${id}`, 'not the sum of its votes')
  return figures
}

function report(expected: Figures, found: Figures, say: (line: string) => void) {
  const wrong: string[] = []
  const names = [...new Set([...expected.keys(), ...found.keys()])].sort()
  for (const name of names) {
    const [left, mine] = [expected.get(name) ?? '0', found.get(name) ?? '0']
    if (left !== mine) wrong.push(name)
    say(`${left === mine ? '✓' : '✗'} ${name}: expected ${left}, found ${mine}`)
  }
  const ok = wrong.length === 0
  say(ok ? 'The index has everything that was recorded.' : 'The index differs from the recording.')
  return { ok, compared: names.length, wrong }
}
