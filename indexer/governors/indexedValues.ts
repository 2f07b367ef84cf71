import { type Address, parseAbi, zeroAddress } from 'viem'
import { declaresQuorum, quorumIn, stateOfStored } from '#rules/storedProposal.ts'
import { PROPOSAL_STATES } from '#rules/tally.ts'
import type { Sql } from '#schema/database.ts'
import { SetAsideContract } from '#schema/onchain/chain.ts'
import { type Governor, Holder, Proposal } from '#schema/onchain/governance.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { contractReader } from '../rpc/contractReader.ts'
import type { Rpc } from '../rpc/rpc.ts'

/** A seeded sample of a Governor's indexed values, each with the call that reads it from the contract. */

const abi = parseAbi([
  'function getVotes(address) view returns (uint256)',
  'function getPastVotes(address, uint256) view returns (uint256)',
  'function getCurrentVotes(address) view returns (uint256)',
  'function getPriorVotes(address, uint256) view returns (uint256)',
  'function balanceOf(address) view returns (uint256)',
  'function delegates(address) view returns (address)',
  'function lockedOf(address) view returns (uint256)',
  'function totalSupply() view returns (uint256)',
  'function quorum(uint256) view returns (uint256)',
  'function quorumVotes() view returns (uint256)',
  'function state(uint256) view returns (uint8)',
  'function proposalVotes(uint256) view returns (uint256, uint256, uint256)',
  'function proposals(uint256) view returns (uint256 id, address proposer, uint256 eta, uint256 startBlock, uint256 endBlock, uint256 forVotes, uint256 againstVotes, uint256 abstainVotes, bool canceled, bool executed)',
])
/** A proposal of GovernorAlpha: nobody abstains. */
const alphaAbi = parseAbi([
  'function proposals(uint256) view returns (uint256 id, address proposer, uint256 eta, uint256 startBlock, uint256 endBlock, uint256 forVotes, uint256 againstVotes, bool canceled, bool executed)',
])

/** One value of the index, and how to read it from the contract: undefined where the contract has no such function. */
export interface IndexedValue {
  what: string
  subject: string
  indexed: unknown
  onChain: () => Promise<unknown>
}

export interface SampleOptions {
  /** How many holders, proposals, and pairs of both. */
  size: number
  /** Selects the sample; the hash of the block when left out, so that each run compares other rows. */
  seed?: string
}

/** A block to compare at. */
export interface BlockTime {
  block: number
  time: Date
}

/** Reads contracts as of one block. */
export const governanceReader = (
  rpc: Rpc,
  block: number,
  onOther?: (contract: string, functionName: string) => void,
) => ({
  read: contractReader(rpc, abi, block, onOther),
  readAlpha: contractReader(rpc, alphaAbi, block),
})
type Readers = ReturnType<typeof governanceReader>
type Seeded = Required<SampleOptions>

/** An order that the seed decides. */
const shuffledBy = (parameter: number) => `md5($${parameter} || id)`

/** Votes, balances and delegates of some holders, and the supply; nothing of a token that is set aside. */
export async function tokenValues(sql: Sql, { read }: Readers, { token }: Governor, sample: Seeded, at: BlockTime) {
  if (token === null || (await rowOf(sql, SetAsideContract, token, at.block))) return []
  const holders = await rowsOf(sql, Holder, 'token = $1 and $2::text is not null', [token, sample.seed], {
    block: at.block,
    orderBy: `${shuffledBy(2)} limit ${sample.size}`,
  })
  const { rows } = await sql.query(
    `select value from governor_setting where contract = $1 and name = 'totalSupply'
       and from_block <= $2 and (to_block is null or to_block > $2)`,
    [token, at.block],
  )
  const values: IndexedValue[] = holders.flatMap(({ account, votes, balance, locked, delegate }) => [
    {
      what: 'votes',
      subject: account,
      indexed: votes,
      onChain: async () =>
        (await read(token, 'getVotes', account as Address)) ??
        (await read(token, 'getCurrentVotes', account as Address)),
    },
    {
      what: 'balance',
      subject: account,
      indexed: balance,
      onChain: () => read(token, 'balanceOf', account as Address),
    },
    ...(locked === null
      ? []
      : [
          {
            what: 'locked',
            subject: account,
            indexed: locked,
            onChain: () => read(token, 'lockedOf', account as Address),
          },
        ]),
    {
      what: 'delegate',
      subject: account,
      indexed: delegate ?? zeroAddress,
      onChain: () => read(token, 'delegates', account as Address),
    },
  ])
  const supply = { what: 'supply', subject: token, onChain: () => read(token, 'totalSupply') }
  return rows[0] ? [...values, { ...supply, indexed: rows[0].value }] : values
}

/** Tallies, quorums and states of some proposals, as far as they are known, and their voters' votes at the snapshot. */
export async function proposalValues(sql: Sql, readers: Readers, governor: Governor, sample: Seeded, at: BlockTime) {
  const { read } = readers
  const { id: address, unfollowed } = governor
  if (unfollowed !== null) return []
  const aside = governor.token !== null && (await rowOf(sql, SetAsideContract, governor.token, at.block))
  const token = aside ? null : governor.token
  const proposals = await rowsOf(sql, Proposal, 'governor_id = $1 and $2::text is not null', [address, sample.seed], {
    block: at.block,
    orderBy: `${shuffledBy(2)} limit ${sample.size}`,
  })
  const values: IndexedValue[] = []
  for (const proposal of proposals) {
    const { voteStart } = proposal
    values.push(...(await outcomeValues(sql, readers, governor, proposal, at)))
    if (isPast(governor, proposal, at) && token !== null)
      for (const { account, votes } of await pastVotes(sql, governor, token, proposal, sample))
        values.push({
          what: 'pastVotes',
          subject: `${account} at ${voteStart}`,
          indexed: votes,
          onChain: async () =>
            (await read(token, 'getPastVotes', account as Address, BigInt(voteStart))) ??
            (await read(token, 'getPriorVotes', account as Address, BigInt(voteStart))),
        })
  }
  return values
}

/** Whether the snapshot is. */
const isPast = ({ clock }: Governor, { voteStart }: Proposal, { block, time }: BlockTime) =>
  voteStart < (clock === 'Timestamp' ? time.getTime() / 1000 : block)

/** The tally, the quorum and the state of a proposal, as far as they are known. */
export async function outcomeValues(
  sql: Sql,
  readers: Readers,
  governor: Governor,
  proposal: Proposal,
  at: BlockTime,
): Promise<IndexedValue[]> {
  const { read } = readers
  const { id: address, quorumUnknown } = governor
  const { onChainId, voteStart, againstVotes, forVotes, abstainVotes } = proposal
  const id = BigInt(onChainId)
  const subject = `proposal ${onChainId}`
  const past = isPast(governor, proposal, at)
  const values: IndexedValue[] = [
    {
      what: 'tally',
      subject,
      indexed: [againstVotes, forVotes, abstainVotes],
      onChain: () => tallyOnChain(readers, address, id),
    },
  ]
  const quorum = proposal.quorum ?? (past && declaresQuorum(governor) ? await quorumAt(sql, governor, at) : null)
  if (past && quorum !== null)
    values.push({
      what: 'quorum',
      subject,
      indexed: quorum,
      onChain: async () => {
        const byId = async () => (id >= 2n ** 64n ? read(address, 'quorum', id) : undefined)
        const unusual = quorumUnknown === null ? undefined : await byId()
        if (unusual !== undefined) return unusual
        const atSnapshot = (await read(address, 'quorum', BigInt(voteStart))) ?? (await read(address, 'quorumVotes'))
        return atSnapshot === quorum ? atSnapshot : ((await byId()) ?? atSnapshot)
      },
    })
  const state = stateOfStored(proposal, governor, quorum, at)
  if (state !== null)
    values.push({
      what: 'state',
      subject,
      indexed: state,
      onChain: async () => {
        const found = await read(address, 'state', id)
        return found === undefined ? undefined : PROPOSAL_STATES[found]
      },
    })
  return values
}

/** Against, for and abstentions, by the function that the kind of the Governor has. */
async function tallyOnChain({ read, readAlpha }: Readers, address: string, id: bigint) {
  const votes = await read(address, 'proposalVotes', id)
  if (votes) return votes
  const bravo = await read(address, 'proposals', id)
  if (bravo) return [bravo[6], bravo[5], bravo[7]]
  const alpha = await readAlpha(address, 'proposals', id)
  return alpha && [alpha[6], alpha[5], 0n]
}

/** The quorum of a past snapshot, from the present supply and fraction. */
export async function quorumAt(sql: Sql, governor: Governor, at: BlockTime): Promise<bigint | null> {
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
  return quorumIn(governor, supply, numerator)
}

const VOTERS_PER_PROPOSAL = 3

/** Holders' votes at the proposal's snapshot, some of them voters of it. */
async function pastVotes(sql: Sql, governor: Governor, token: string, { id, voteStart }: Proposal, sample: Seeded) {
  const block =
    governor.clock === 'BlockNumber' ? '$2' : '(select max(number) from block where timestamp <= to_timestamp($2))'
  const { rows } = await sql.query(
    `select account, votes from holder h
     where token = $1 and from_block <= ${block} and (to_block is null or to_block > ${block})
     order by exists (select 1 from vote v where v.proposal_id = $3 and v.voter = h.account and v.to_block is null) desc,
       md5($4 || id) limit ${VOTERS_PER_PROPOSAL}`,
    [token, voteStart, id, sample.seed],
  )
  return rows as { account: string; votes: bigint }[]
}
