import { parseEther } from 'viem'
import { expect, test } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import { TERMS } from '#contracts/test/mandate.ts'
import { hashOf, SETTINGS } from '#contracts/test/world.ts'
import {
  castSignedBallot,
  castVote,
  delegate,
  encodeCall,
  executeProposal,
  listProposals,
  openProposal,
  proposeModel,
  queueProposal,
  signBallot,
  transfer,
} from '../index.ts'
import { received, sharedSystem } from '../test/sharedSystem.ts'

const system = sharedSystem()

test('a proposal passes by a ballot that its voter signed and another account cast; what it decides is done', async () => {
  const { as, world } = system()
  const [proposer, voter, relay] = [await as(2), await as(5), await as(9)]
  await delegate(voter, { to: devAccount(5).address, lock: parseEther('900') })
  await transfer(await as(8), world.at.Treasury, 30n)
  const to = devAccount(13).address
  const proposalId = await openProposal(proposer, {
    targets: [world.at.Treasury],
    values: [0n],
    calldatas: [encodeCall('Treasury', 'pay', [to, 30n])],
    description: 'Pay a helper.',
  })
  await world.warp(SETTINGS.votingDelay + 1)
  const ballot = await signBallot(voter, { proposalId, support: 'for', reason: 'It helped.' })
  await expect(castSignedBallot(relay, { ...ballot, support: 'against' })).rejects.toThrow(
    /ModelGovernor.castVoteWithReasonAndParamsBySig is refused: .*GovernorInvalidSignature/,
  )
  const native = await world.client.getBalance({ address: devAccount(5).address })
  await castSignedBallot(relay, ballot)
  expect(await world.client.getBalance({ address: devAccount(5).address })).toBe(native)
  await expect(castSignedBallot(await as(8), ballot)).rejects.toThrow(/ModelGovernor.castVote.* is refused/)
  await castVote(proposer, { proposalId, support: 'abstain' })
  const [row] = await listProposals(relay)
  expect(row).toMatchObject({ id: proposalId.toString(), state: 'Active', againstVotes: '0' })
  expect(BigInt(row?.forVotes ?? 0)).toBeGreaterThanOrEqual(parseEther('900'))

  await world.warp(SETTINGS.votingPeriod + 1)
  await queueProposal(relay, proposalId)
  await queueProposal(await as(8), proposalId) // somebody else did it: nothing is sent
  await world.warp(SETTINGS.timelockDelay + 1)
  expect(await received(world, 13, () => executeProposal(relay, proposalId))).toBe(30n)
  for (const act of [queueProposal, executeProposal])
    expect(await received(world, 13, () => act(relay, proposalId))).toBe(0n)
})

test('a ballot that would count nothing is not sent: the account is told to lock gOPEN before the next vote begins', async () => {
  const { as, world } = system()
  const late = await as(6)
  const { proposalId } = await proposeModel(await as(2), { specHash: hashOf('a late voter'), terms: TERMS })
  await world.warp(SETTINGS.votingDelay + 1)
  await delegate(late, { to: devAccount(6).address, lock: parseEther('3') })
  const sent = () => world.client.getTransactionCount({ address: devAccount(6).address })
  const before = await sent()
  for (const options of [{}, { relay: true }, { dryRun: true }])
    await expect(castVote(await as(6, options), { proposalId, support: 'for' })).rejects.toThrow(
      /would count nothing: it had no votes when the vote on proposal \d+ began\. Wrap native tokens \(wrap\), and lock/,
    )
  expect(await sent()).toBe(before)
  await castVote(late, { proposalId, support: 'for', reason: 'To say why.', evenUncounted: true })
  expect(await sent()).toBe(before + 1)
})
