import { setTimeout as sleep } from 'node:timers/promises'
import { decodeFunctionResult, encodeFunctionData, type Hex, parseAbi, zeroAddress } from 'viem'
import { stateOfStored } from '#rules/storedProposal.ts'
import { PROPOSAL_STATES } from '#rules/tally.ts'
import { rowsOf } from '#schema/current.ts'
import type { Database, Sql } from '#schema/database.ts'
import { type Drift, Reconciliation } from '#schema/offchain/reconciliation.ts'
import { Governor, Holder, Proposal } from '#schema/onchain/governance.ts'
import { row, saveRows } from '#schema/rows.ts'
import { openRpc } from './begin.ts'
import { isRetriable } from './errors.ts'
import { type Rpc, RpcError } from './rpc.ts'

/** Compares a seeded sample of the index with what the contracts themselves answer, both at the last final block. */

const abi = parseAbi([
  'function getVotes(address) view returns (uint256)',
  'function getPastVotes(address, uint256) view returns (uint256)',
  'function getCurrentVotes(address) view returns (uint256)',
  'function getPriorVotes(address, uint256) view returns (uint256)',
  'function balanceOf(address) view returns (uint256)',
  'function delegates(address) view returns (address)',
  'function totalSupply() view returns (uint256)',
  'function quorum(uint256) view returns (uint256)',
  'function quorumVotes() view returns (uint256)',
  'function state(uint256) view returns (uint8)',
  'function proposalVotes(uint256) view returns (uint256, uint256, uint256)',
  'function proposals(uint256) view returns (uint256 id, address proposer, uint256 eta, uint256 startBlock, uint256 endBlock, uint256 forVotes, uint256 againstVotes, uint256 abstainVotes, bool canceled, bool executed)',
])
type Name = (typeof abi)[number]['name']

const MOST_FINDINGS = 100
const CALLS_AT_ONCE = 10

/** One value of the index, and how to ask the contract for it. `chain` is undefined where the contract has no such answer. */
interface Comparison {
  what: string
  subject: string
  indexed: unknown
  chain: () => Promise<unknown>
}

export interface Sample {
  /** How many holders, proposals, and pairs of both. */
  size: number
  /** Draws the sample; the block's hash when left out, so that each comparison looks elsewhere. */
  seed?: string
}

/** The contracts as they stood at one block. */
class Contracts {
  constructor(
    private readonly rpc: Rpc,
    private readonly block: number,
  ) {}

  /** The answer of the first function that the contract has; undefined when it has none of them. */
  async ask(to: string, ...ways: [Name, ...unknown[]][]): Promise<unknown> {
    for (const [functionName, ...args] of ways) {
      const data = encodeFunctionData({ abi, functionName, args } as never)
      const answer = await this.rpc
        .request('eth_call', [{ to, data }, `0x${this.block.toString(16)}`])
        .catch((error: unknown) => {
          if (error instanceof RpcError && (error.code === 3 || /revert|invalid opcode/i.test(error.reason)))
            return '0x'
          throw error
        })
      if (answer !== '0x') return decodeFunctionResult({ abi, functionName, data: answer as Hex } as never)
    }
    return undefined
  }
}

/** Compares every followed Governor, with its token, and stores what was found.
 *  @throws RpcError when the node no longer has the state of the final block. */
export async function reconcile(db: Database, rpc: Rpc, sample: Sample): Promise<Reconciliation[]> {
  const { rows } = await db.query('select least(block, final_block) as block from cursor')
  const block: number | undefined = rows[0]?.block
  if (block === undefined) return []
  const header = (await rpc.request('eth_getBlockByNumber', [`0x${block.toString(16)}`, false])) as {
    hash: string
    timestamp: string
  }
  const at = { block, time: new Date(Number(header.timestamp) * 1000) }
  const seed = sample.seed ?? header.hash
  const done: Reconciliation[] = []
  for (const governor of await rowsOf(db, Governor, 'true', [], { block, orderBy: 'id' })) {
    const contracts = new Contracts(rpc, block)
    const comparisons = [
      ...(await ofToken(db, contracts, governor, { ...sample, seed }, at)),
      ...(await ofProposals(db, contracts, governor, { ...sample, seed }, at)),
    ]
    const { compared, findings } = await differing(comparisons)
    const found: Reconciliation = {
      id: `${governor.id}-${block}-${seed}`,
      governorId: governor.id,
      block,
      hash: header.hash,
      seed,
      compared,
      drift: findings.length,
      findings: findings.slice(0, MOST_FINDINGS),
      at: new Date(),
    }
    await saveRows(db, [row(Reconciliation, found)])
    done.push(found)
  }
  return done
}

async function differing(comparisons: readonly Comparison[]) {
  const findings: Drift[] = []
  let compared = 0
  for (let from = 0; from < comparisons.length; from += CALLS_AT_ONCE) {
    const some = comparisons.slice(from, from + CALLS_AT_ONCE)
    const answers = await Promise.all(some.map(({ chain }) => chain()))
    some.forEach(({ what, subject, indexed }, i) => {
      if (answers[i] === undefined) return
      compared++
      const [left, right] = [String(indexed).toLowerCase(), String(answers[i]).toLowerCase()]
      if (left !== right) findings.push({ what, subject, indexed: left, chain: right })
    })
  }
  return { compared, findings }
}

type At = { block: number; time: Date }
type Seeded = Required<Sample>

/** Rows in an order that the seed decides. */
const drawn = (parameter: number) => `md5($${parameter} || id)`

async function ofToken(sql: Sql, contracts: Contracts, { token }: Governor, sample: Seeded, at: At) {
  if (token === null) return []
  const holders = await rowsOf(sql, Holder, 'token = $1 and $2::text is not null', [token, sample.seed], {
    block: at.block,
    orderBy: `${drawn(2)} limit ${sample.size}`,
  })
  const { rows } = await sql.query(
    `select value from governor_setting where contract = $1 and name = 'totalSupply'
       and from_block <= $2 and (to_block is null or to_block > $2)`,
    [token, at.block],
  )
  const comparisons: Comparison[] = holders.flatMap(({ account, votes, balance, delegate }) => [
    {
      what: 'votes',
      subject: account,
      indexed: votes,
      chain: () => contracts.ask(token, ['getVotes', account], ['getCurrentVotes', account]),
    },
    { what: 'balance', subject: account, indexed: balance, chain: () => contracts.ask(token, ['balanceOf', account]) },
    {
      what: 'delegate',
      subject: account,
      indexed: delegate ?? zeroAddress,
      chain: () => contracts.ask(token, ['delegates', account]),
    },
  ])
  const supply = { what: 'supply', subject: token, chain: () => contracts.ask(token, ['totalSupply']) }
  return rows[0] ? [...comparisons, { ...supply, indexed: rows[0].value }] : comparisons
}

async function ofProposals(sql: Sql, contracts: Contracts, governor: Governor, sample: Seeded, at: At) {
  const { id: address, kind, token, clock } = governor
  const proposals = await rowsOf(sql, Proposal, 'governor_id = $1 and $2::text is not null', [address, sample.seed], {
    block: at.block,
    orderBy: `${drawn(2)} limit ${sample.size}`,
  })
  const now = clock === 'Timestamp' ? at.time.getTime() / 1000 : at.block
  const comparisons: Comparison[] = []
  for (const proposal of proposals) {
    const { onChainId, voteStart, againstVotes, forVotes, abstainVotes } = proposal
    const id = BigInt(onChainId)
    const subject = `proposal ${onChainId}`
    const past = voteStart < now
    const tally = async () => {
      if (kind !== 'Bravo') return contracts.ask(address, ['proposalVotes', id])
      const found = (await contracts.ask(address, ['proposals', id])) as bigint[] | undefined
      return found && [found[6], found[5], found[7]]
    }
    comparisons.push({ what: 'tally', subject, indexed: [againstVotes, forVotes, abstainVotes], chain: tally })
    const quorum = proposal.quorum ?? (past ? await quorumAt(sql, governor, at) : null)
    if (past && quorum !== null)
      comparisons.push({
        what: 'quorum',
        subject,
        indexed: quorum,
        chain: () => contracts.ask(address, ['quorum', BigInt(voteStart)], ['quorumVotes']),
      })
    const state = stateOfStored(proposal, governor, quorum, at)
    if (state !== null)
      comparisons.push({
        what: 'state',
        subject,
        indexed: state,
        chain: async () => {
          const found = await contracts.ask(address, ['state', id])
          return found === undefined ? undefined : PROPOSAL_STATES[Number(found)]
        },
      })
    if (past && token !== null)
      for (const { account, votes } of await pastVotes(sql, governor, token, proposal, sample))
        comparisons.push({
          what: 'pastVotes',
          subject: `${account} at ${voteStart}`,
          indexed: votes,
          chain: () =>
            contracts.ask(
              token,
              ['getPastVotes', account, BigInt(voteStart)],
              ['getPriorVotes', account, BigInt(voteStart)],
            ),
        })
  }
  return comparisons
}

/** The quorum of a snapshot that has passed and after which nothing has changed. */
async function quorumAt(sql: Sql, governor: Governor, at: At): Promise<bigint | null> {
  if (governor.fixedQuorum !== null) return governor.fixedQuorum
  const { rows } = await sql.query(
    `select name, value::numeric as value from governor_setting
     where ((contract = $1 and name = 'totalSupply') or (contract = $2 and name = 'quorumNumerator'))
       and from_block <= $3 and (to_block is null or to_block > $3)`,
    [governor.token, governor.id, at.block],
  )
  const value = (name: string) => rows.find((one) => one.name === name)?.value as bigint | undefined
  const [supply, numerator] = [value('totalSupply'), value('quorumNumerator')]
  if (supply === undefined || numerator === undefined) return null
  return (supply * numerator) / governor.quorumDenominator
}

const VOTERS_A_PROPOSAL = 3

/** Holders' votes at the proposal's snapshot, some of them voters of it. */
async function pastVotes(sql: Sql, governor: Governor, token: string, { id, voteStart }: Proposal, sample: Seeded) {
  const block =
    governor.clock === 'BlockNumber' ? '$2' : '(select max(number) from block where timestamp <= to_timestamp($2))'
  const { rows } = await sql.query(
    `select account, votes from holder h
     where token = $1 and from_block <= ${block} and (to_block is null or to_block > ${block})
     order by exists (select 1 from vote v where v.proposal_id = $3 and v.voter = h.account and v.to_block is null) desc,
       md5($4 || id) limit ${VOTERS_A_PROPOSAL}`,
    [token, voteStart, id, sample.seed],
  )
  return rows as { account: string; votes: bigint }[]
}

const FIRST_MS = 15_000
const SAMPLE_SIZE = 20

export interface ReconcilerLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** Compares every so often until `signal` aborts; a node or a database that is away is asked again the next time. */
export async function startReconciler(options: {
  db: Database
  rpcUrl: string
  everyMs: number
  log: ReconcilerLog
  signal: AbortSignal
}): Promise<void> {
  const { db, rpcUrl, everyMs, log, signal } = options
  const rpc = openRpc(rpcUrl, { signal })
  for (let wait = Math.min(everyMs, FIRST_MS); ; wait = everyMs) {
    await sleep(wait, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    try {
      for (const { governorId, block, compared, drift, findings } of await reconcile(db, rpc, { size: SAMPLE_SIZE })) {
        const details = { governor: governorId, block, compared, drift }
        if (drift) log.warn({ ...details, findings }, 'The index differs from the contracts')
        else log.info(details, 'The index says what the contracts say')
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isRetriable(error)) throw error
      log.warn({ problem: (error as Error).message }, 'The index could not be compared with the contracts')
    }
  }
}
