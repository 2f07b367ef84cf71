import { decodeFunctionResult, encodeFunctionData, type Hex, parseAbi, zeroAddress } from 'viem'
import { stateOfStored } from '#rules/storedProposal.ts'
import { PROPOSAL_STATES } from '#rules/tally.ts'
import { rowsOf } from '#schema/current.ts'
import type { Sql } from '#schema/database.ts'
import { type Governor, Holder, Proposal } from '#schema/onchain/governance.ts'
import { type Rpc, RpcError } from '../rpc/rpc.ts'

/** A seeded sample of a Governor's facts as the index has them, each with the question that its contract answers. */

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

/** One value of the index, and how to ask the contract for it. `chain` is undefined where the contract has no such answer. */
export interface Comparison {
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
export class Contracts {
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

export type At = { block: number; time: Date }
type Seeded = Required<Sample>

/** Rows in an order that the seed decides. */
const drawn = (parameter: number) => `md5($${parameter} || id)`

/** Votes, balances and delegates of some holders, and the supply. */
export async function ofToken(sql: Sql, contracts: Contracts, { token }: Governor, sample: Seeded, at: At) {
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

/** Tallies, quorums and states of some proposals, and what their voters had at the snapshot. */
export async function ofProposals(sql: Sql, contracts: Contracts, governor: Governor, sample: Seeded, at: At) {
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
