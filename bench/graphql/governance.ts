import type { Database } from '#schema/database.ts'
import { Governor, GovernorSetting, Holder, Proposal, ProposalContent, Vote } from '#schema/onchain/governance.ts'
import { accountSql as account, fillTable as fill } from '../fillTable.ts'

/** A generated Governor: 50 of its proposals have a past snapshot for each of their 100,000 ballots, which 20,000 of its delegates cast. */

const BALLOTS = 100_000
const VOTERS = 20_000
const DELEGATES = 25_000
/** Delegates whose power changes, and how often. */
const MOVING = 2_500
const MOVES = 4
const TOKEN = account('1')
/** The blocks after the first snapshot, and between two. */
const FIRST_SNAPSHOT = 5_000
const STEP = 50

/** Writes the Governor, `proposals` proposals, their ballots, and `accounts` holders. */
export async function generateGovernance(db: Database, proposals: number, accounts: number): Promise<void> {
  await fill(db, Governor, 1, { token: TOKEN, quorumDenominator: '100', clock: `'BlockNumber'` })
  const settings = `(array['totalSupply', 'quorumNumerator'])[n]`
  await fill(db, GovernorSetting, 2, {
    id: settings,
    name: settings,
    contract: `(array[${TOKEN}, '1'])[n]`,
    value: `(array['${accounts}000000000000000000000', '4'])[n]`,
  })
  await fill(db, ProposalContent, proposals, { description: `'A model of the number ' || n` })
  await fill(db, Proposal, proposals, {
    proposer: account('n % 50'),
    voteStart: `${FIRST_SNAPSHOT} + n * ${STEP}`,
    voteEnd: `${FIRST_SNAPSHOT} + n * ${STEP} + 40`,
    forVotes: `n::numeric * 1e24::numeric`,
  })
  const votes = `case when n > ${DELEGATES} then 0 else (n::bigint * 104729 % 1000003)::numeric * (n % 97) * 1e18::numeric end`
  await fill(db, Holder, accounts - MOVING, {
    id: account('n'),
    account: account('n'),
    token: TOKEN,
    balance: `n::numeric * 1e18::numeric`,
    votes,
  })
  const [mover, move] = [`${accounts - MOVING} + (n - 1) / ${MOVES} + 1`, `(n - 1) % ${MOVES}`]
  await fill(db, Holder, MOVING * MOVES, {
    id: account(mover),
    account: account(mover),
    token: TOKEN,
    balance: `n::numeric * 1e18::numeric`,
    votes: `(n % 1009)::numeric * 1e20::numeric`,
    fromBlock: `1 + ${move} * ${FIRST_SNAPSHOT}`,
    toBlock: `case when ${move} = ${MOVES - 1} then null else 1 + (${move} + 1) * ${FIRST_SNAPSHOT} end`,
  })
  const each = BALLOTS / VOTERS
  await fill(db, Vote, BALLOTS, {
    id: `(n % ${proposals} + 1) || '-' || ${account(`n / ${each}`)}`,
    proposalId: `(n % ${proposals} + 1)::text`,
    voter: account(`n / ${each}`),
    support: 'n % 3',
    weight: `(n * 7919 % 100000)::numeric * 1e18::numeric`,
  })
}
