import { encodeAbiParameters, keccak256 } from 'viem'
import { expect } from 'vitest'
import type { Database } from '#schema/database.ts'
import type { TestChain } from './chain.ts'
import { expectMarket, expectRewardMaps } from './marketOracle.ts'
import { integer, type PgRow, present } from './present.ts'

/** Compares the present rows with what the contracts answer. */

const CANCELED = 2
const EXECUTED = 7

async function expectToken(chain: TestChain, db: Database) {
  for (const { id, balance, locked, votes, delegate } of await present(db, 'holder')) {
    expect({ id, balance }).toEqual({ id, balance: await chain.read('GOpen', 'balanceOf', [id]) })
    expect({ id, locked }).toEqual({ id, locked: await chain.read('GOpen', 'lockedOf', [id]) })
    expect({ id, votes }).toEqual({ id, votes: await chain.read('GOpen', 'getVotes', [id]) })
    const chosen = String(await chain.read('GOpen', 'delegates', [id])).toLowerCase()
    expect({ id, delegate: delegate ?? `0x${'0'.repeat(40)}` }).toEqual({ id, delegate: chosen })
  }
}

async function expectGovernor(chain: TestChain, db: Database) {
  const settings = Object.fromEntries((await present(db, 'governor_setting')).map(({ id, value }) => [id, value]))
  const read = async (contract: 'ModelGovernor' | 'GOpen' | 'TimelockController', name: string) =>
    String(await chain.read(contract, name))
  expect(settings).toEqual({
    votingDelay: await read('ModelGovernor', 'votingDelay'),
    votingPeriod: await read('ModelGovernor', 'votingPeriod'),
    proposalThreshold: await read('ModelGovernor', 'proposalThreshold'),
    quorumNumerator: await read('ModelGovernor', 'quorumNumerator'),
    lateQuorumExtension: await read('ModelGovernor', 'lateQuorumVoteExtension'),
    timelock: (await read('ModelGovernor', 'timelock')).toLowerCase(),
    totalSupply: await read('GOpen', 'totalSupply'),
    minDelay: await read('TimelockController', 'getMinDelay'),
    votesNeedLock: 'true',
  })
  for (const proposal of await present(db, 'proposal')) {
    const { id, against_votes, for_votes, abstain_votes, quorum, vote_start, vote_end, canceled, executed } = proposal
    const votes = await chain.read('ModelGovernor', 'proposalVotes', [id])
    expect([against_votes, for_votes, abstain_votes]).toEqual(votes)
    if (quorum !== null) expect(quorum).toBe(await chain.read('ModelGovernor', 'quorum', [vote_start]))
    expect(integer(vote_end)).toBe(await chain.read('ModelGovernor', 'proposalDeadline', [id]))
    const state = await chain.read('ModelGovernor', 'state', [id])
    expect({ id, canceled, executed }).toEqual({ id, canceled: state === CANCELED, executed: state === EXECUTED })
  }
  for (const { operation, status } of await present(db, 'timelock_operation')) {
    expect(await chain.read('TimelockController', 'isOperationDone', [operation])).toBe(status === 'Done')
    expect(await chain.read('TimelockController', 'isOperation', [operation])).toBe(status !== 'Cancelled')
  }
}

const SHARES = ['platform', 'owner', 'stakers', 'data', 'validators', 'host', 'ancestors', 'data_by_weight'] as const

/** The hash of a split, as the contract computes it. */
const splitHash = (split: PgRow) =>
  keccak256(
    encodeAbiParameters(
      [...SHARES.map(() => ({ type: 'uint16' })), { type: 'bool' }],
      [...SHARES.map((share) => split[share]), split.unattributed_by_weight],
    ),
  )

async function expectModels(chain: TestChain, db: Database) {
  const mandates = new Map((await present(db, 'mandate')).map((mandate) => [mandate.id, mandate]))
  const splits = new Map((await present(db, 'reward_split')).map((split) => [split.model_id, split]))
  for (const { id, bond, staked, live_version_id, proposal_id } of await present(db, 'model')) {
    const [model] = (await chain.read('ModelRegistry', 'getModel', [id])) as [PgRow]
    const mandate = mandates.get(id)
    const funds = mandate ? integer(mandate.funded) - integer(mandate.spent) : 0n
    expect({ bond, staked, funds, proposal: integer(proposal_id) }).toEqual({
      bond: model.bond,
      staked: model.staked,
      funds: model.funds,
      proposal: model.proposalId,
    })
    expect(splitHash(splits.get(id) ?? {})).toBe(model.splitHash)
    expect(integer(live_version_id ?? 0)).toBe(await chain.read('ModelRegistry', 'liveVersion', [id]))
  }
  for (const { model_id, account, amount } of await present(db, 'model_stake'))
    expect(amount).toBe(await chain.read('ModelRegistry', 'stakeOf', [model_id, account]))
  for (const { id, status } of await present(db, 'model_version'))
    expect(await chain.read('ModelRegistry', 'isServing', [id])).toBe(status === 'Promoted')
}

async function expectStakes(chain: TestChain, db: Database) {
  for (const { id, contributor, stake } of await present(db, 'contribution')) {
    const [owner, held] = (await chain.read('DatanetRegistry', 'contributions', [id])) as [string, bigint]
    expect({ contributor, stake }).toEqual({ contributor: owner.toLowerCase(), stake: held })
  }
  for (const { id, stake, earned, withdrawn } of await present(db, 'validator')) {
    const [held] = (await chain.read('FeedbackPool', 'validators', [id])) as [bigint]
    const unclaimed = await chain.read('FeedbackPool', 'rewards', [id])
    expect({ id, stake, unclaimed: integer(earned) - integer(withdrawn) }).toEqual({ id, stake: held, unclaimed })
  }
}

export async function expectAgreement(chain: TestChain, db: Database) {
  await expectToken(chain, db)
  await expectGovernor(chain, db)
  await expectModels(chain, db)
  await expectStakes(chain, db)
  await expectMarket(chain, db)
  await expectRewardMaps(chain, db)
}
