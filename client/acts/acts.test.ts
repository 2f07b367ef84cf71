import { join } from 'node:path'
import { type Hex, parseEther } from 'viem'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import { evaluate, propose, TERMS, version } from '#contracts/test/mandate.ts'
import { hashOf, OPERATOR, PROPOSER, SETTINGS } from '#contracts/test/world.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { documentBytes } from '#schema/documents.ts'
import {
  balanceOf,
  type Client,
  castSignedBallot,
  castVote,
  contribute,
  createDatanet,
  delegate,
  deposit,
  dispute,
  encodeCall,
  executeProposal,
  graphql,
  judgeTasks,
  keptTasks,
  listProposals,
  memoryState,
  openEndpoint,
  openProposal,
  pointEndpoint,
  proposeModel,
  queueProposal,
  requestUnlock,
  requestWithdrawal,
  resolveBond,
  setPrice,
  signBallot,
  stake,
  stakeAsValidator,
  transfer,
  unlock,
  unstake,
  unstakeAsValidator,
  waitForBlock,
  withdraw,
  withdrawStake,
} from '../index.ts'
import { type ClientSystem, clientSystem } from '../test/clientSystem.ts'
import { contents } from '../test/contents.ts'
import { judgeableRound } from '../test/judgeableRound.ts'

/** Verbs that no other test has, on one chain, each test with accounts of its own. */

const stops: (() => Promise<void>)[] = []
let system: ClientSystem
beforeAll(async () => {
  system = await clientSystem((stop) => stops.unshift(stop))
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

/** The amount that `act` moves to an account, in wei. */
async function received(nth: number, act: () => Promise<unknown>): Promise<bigint> {
  const { address } = devAccount(nth)
  const before = await system.world.balance(address)
  await act()
  return (await system.world.balance(address)) - before
}

test('stake on a model, and locked gOPEN after its delay, come back to the account, and no more than it gave', async () => {
  const { as, world, modelId } = system
  const carol = await as(6)
  await stake(carol, { modelId, amount: 9n })
  expect(await received(6, () => unstake(carol, { modelId, amount: 4n }))).toBe(4n)
  await expect(unstake(carol, { modelId, amount: 6n })).rejects.toThrow(
    /ModelRegistry.unstake is refused: .*Ask for no more than is staked\. \(InsufficientStake: staked 0.000000000000000005 gOPEN/,
  )

  const { address } = devAccount(6)
  await delegate(carol, { to: address, lock: parseEther('3') })
  const availableAt = await requestUnlock(carol, parseEther('2'))
  expect(await balanceOf(carol, address)).toMatchObject({ locked: parseEther('1'), votes: parseEther('1') })
  await expect(unlock(carol)).rejects.toThrow(
    `Try again at that time. (StillLocked: account ${address}, availableAt ${availableAt.toISOString()})`,
  )
  await world.warp(availableAt.getTime() / 1000 - (await world.now()))
  expect(await received(6, () => unlock(carol))).toBe(parseEther('2'))
})

test('a stake to judge comes back, and no more than was staked', async () => {
  const faye = await system.as(5)
  await stakeAsValidator(faye, parseEther('10'))
  expect(await received(5, () => unstakeAsValidator(faye, parseEther('4')))).toBe(parseEther('4'))
  await expect(unstakeAsValidator(faye, parseEther('7'))).rejects.toThrow(/InsufficientStake: staked 6 gOPEN/)
})

test('an act that took all of the account’s gOPEN and was interrupted then goes on, although none is left', async () => {
  const { as, modelId } = system
  const { address } = devAccount(8)
  const state = memoryState()
  const dora = await as(8, { state })
  const { gOpen: amount } = await balanceOf(dora, address)
  expect(amount).toBeGreaterThan(0n)
  const interrupted: Client = { ...dora, ask: () => Promise.reject(new Error('killed')) }
  await expect(stake(interrupted, { modelId, amount })).rejects.toThrow('killed')
  expect(await balanceOf(dora, address)).toMatchObject({ gOpen: 0n })
  await stake(await as(8, { state }), { modelId, amount })
  expect(await balanceOf(dora, address)).toMatchObject({ gOpen: 0n })
  await unstake(dora, { modelId, amount })
})

test('what a contract would refuse is refused before it is allowed to take anything', async () => {
  const { as, world } = system
  const eve = await as(9)
  const { address } = devAccount(9)
  const sent = () => world.client.getTransactionCount({ address })
  const before = await sent()
  await expect(stake(eve, { modelId: 99n, amount: 7n })).rejects.toThrow(/UnknownModel/)
  await expect(contribute(eve, { datanetId: 99n, samples: contents('parcel', 1) })).rejects.toThrow(
    'There is no datanet 99. Look at the list of datanets for its id.',
  )
  const wrong = { subjectId: 99n, statement: 'It is wrong.' }
  await expect(dispute(eve, { ...wrong, subject: 'Version', ground: 'harm' })).rejects.toThrow(/UnknownSubject/)
  await expect(dispute(eve, { ...wrong, subject: 'Version', ground: 'offTopic' })).rejects.toThrow(
    'Nothing of the kind Version is disputed on the ground offTopic. Name one of target, artifacts, evaluation, weights, harm.',
  )
  expect(await sent()).toBe(before)
})

test('the stakes of accepted samples come back when their hold is over', async () => {
  const { as, world, modelId } = system
  const [owner, alice] = [await as(2), await as(4)]
  const datanetId = await createDatanet(owner, { modelId, licence: 'CC0-1.0', minStake: parseEther('0.5') })
  const { ids } = await contribute(alice, { datanetId, samples: contents('refund', 2) })
  const given = [...ids.values()].map(BigInt)
  const ones = given.map(() => 1)
  await world.send(OPERATOR, 'DatanetRegistry', 'score', [given, ones, ones, ones, ones.map(() => 'fine')])
  await expect(withdrawStake(alice, given)).rejects.toThrow(
    /DatanetRegistry.withdrawStake is refused: The stake is held until that time. Try again at that time. \(StakeHeld: contributionId \d+, until 20\d\d-/,
  )
  const until = new Date(((await world.now()) + SETTINGS.stakeHold) * 1000)
  const { nextAt, ...held } = await withdrawStake(alice)
  expect(held).toEqual({ contributions: 0, wei: 0n, held: 2, disputed: 0 })
  expect(Math.abs(Date.parse(nextAt ?? '') - until.getTime())).toBeLessThan(60_000)
  await world.warp(SETTINGS.stakeHold + 1)
  expect(await received(4, () => withdrawStake(alice, given.slice(0, 1)))).toBe(parseEther('0.5'))
  await expect(withdrawStake(alice, given)).rejects.toThrow(/It was taken back before, or slashed. \(NoStake/)
  await expect(withdrawStake(owner, given)).rejects.toThrow(/Use the contributor’s account. \(NotContributor/)
  const returned = { contributions: 1, wei: parseEther('0.5'), held: 0, disputed: 0 }
  expect(await withdrawStake(alice)).toEqual(returned)
  expect(await withdrawStake(alice)).toEqual({ ...returned, contributions: 0, wei: 0n })
  expect(await withdrawStake(owner)).toMatchObject({ contributions: 0, held: 0 })
})

test('all free stakes come back, in as many transactions as it takes; disputed ones stay', async () => {
  const { as, world, modelId } = system
  const alice = await as(4)
  const datanetId = await createDatanet(await as(2), { modelId, licence: 'CC0-1.0', minStake: 1n })
  const { ids } = await contribute(alice, { datanetId, samples: contents('many', 104) })
  const given = [...ids.values()].map(BigInt)
  const ones = given.map(() => 1)
  await world.send(OPERATOR, 'DatanetRegistry', 'score', [given, ones, ones, ones, ones.map(() => 'fine')])
  const statement = 'It is about something else.'
  const subjectId = given[7] ?? 0n
  await dispute(await as(6), { subject: 'Contribution', subjectId, ground: 'offTopic', statement })
  await world.warp(SETTINGS.stakeHold + 1)
  const each = parseEther('0.001')
  await expect(withdrawStake(alice, [subjectId])).rejects.toThrow(/Wait until the dispute is decided.*\(Disputed/)
  const sent = () => world.client.getTransactionCount({ address: devAccount(4).address })
  const before = await sent()
  expect(await withdrawStake(alice)).toEqual({ contributions: 103, wei: 103n * each, held: 0, disputed: 1 })
  expect((await sent()) - before).toBe(2)
})

test('a datanet whose licence does not fit the mandate’s is refused before anything is sent', async () => {
  const { as, world, folder } = system
  const specHash = await localStore(join(folder, 'artifacts')).put(
    documentBytes({
      ...{ name: 'Clerk', purpose: 'To test.', licence: 'MIT', baseLicence: 'Apache-2.0', integration: 'none' },
      ...{ baseModel: `0x${'b'.repeat(64)}`, rubric: `0x${'c'.repeat(64)}` },
      samples: { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 400 },
    }),
  )
  const terms = [specHash as Hex, `artifact:${specHash}`, TERMS, parseEther('10')] as const
  const { events } = await world.send(PROPOSER, 'ModelRegistry', 'propose', terms)
  const modelId =
    events.flatMap(({ name, args }) => (name === 'ModelProposed' ? [args.modelId as bigint] : []))[0] ?? 0n
  const owner = await as(2, { dryRun: true })
  await vi.waitFor(
    async () => expect((await owner.ask(graphql('{ models { totalCount } }'))).models.totalCount).toBe(Number(modelId)),
    10_000,
  )
  for (const [licence, why] of [
    [
      'CC-BY-SA-4.0',
      /is under MIT, .* The samples: What is made of works under CC-BY-SA-4.0 must stay under .* Nothing was sent\./,
    ],
    ['CC-BY-NC-4.0', /The samples: CC-BY-NC-4.0 allows no commercial use/],
    ['my terms', /Whether my terms allows a model under MIT is not known/],
  ] as const)
    for (const options of [{ dryRun: true }, {}])
      await expect(createDatanet(await as(2, options), { modelId, licence, minStake: 0n })).rejects.toThrow(why)
  expect(await owner.read('ModelRegistry', 'modelExists', [modelId])).toBe(true)
  const datanetId = await createDatanet(await as(2), { modelId, licence: 'CC-BY-4.0', minStake: 0n })
  expect(await owner.read('DatanetRegistry', 'datanetCount', [])).toBe(datanetId)
})

test('a host points its endpoint at another version and sets its price; nobody else can', async () => {
  const { as, world, modelId } = system
  const versions = []
  for (const _ of ['first', 'second']) {
    const id = await version(world, modelId, OPERATOR.address)
    await evaluate(world, id, OPERATOR.address)
    await world.send(OPERATOR, 'ModelRegistry', 'promote', [id])
    versions.push(id)
  }
  const [versionId = 0n, other = 0n] = versions
  const host = await as(7)
  const endpointId = await openEndpoint(host, { versionId, url: 'https://one.example', priceIn: 1n, priceOut: 2n })
  await pointEndpoint(host, { endpointId, versionId: other })
  await setPrice(host, { endpointId, priceIn: 3n, priceOut: 4n })
  expect(await host.read('InferenceMarket', 'endpoints', [endpointId])).toEqual([devAccount(7).address, other, 3n, 4n])
  await expect(setPrice(await as(4), { endpointId, priceIn: 0n, priceOut: 0n })).rejects.toThrow(
    /Use the host’s account\. \(NotHost/,
  )

  const consumer = await as(8)
  await deposit(consumer, { endpointId, amount: 50n })
  const availableAt = await requestWithdrawal(consumer, { endpointId, amount: 20n })
  await expect(withdraw(consumer, endpointId)).rejects.toThrow(/Try again at that time\. \(WithdrawalTooEarly/)
  await world.warp(availableAt.getTime() / 1000 - (await world.now()))
  let amount = 0n
  expect(
    await received(8, async () => {
      amount = await withdraw(consumer, endpointId)
    }),
  ).toBe(20n)
  expect(amount).toBe(20n)
})

test('a model’s bond is locked for its vote, and settled once when the vote is over: a fifth is lost where nobody voted', async () => {
  const { as, world } = system
  const proposer = await as(2)
  const mandate = { specHash: hashOf('a clerk'), terms: TERMS }
  await expect(proposeModel(await as(9), mandate)).rejects.toThrow(/Opening a vote takes 1 votes, and 0x\w+ has 0\./)
  const before = await world.balance(PROPOSER.address)
  const { modelId, proposalId } = await proposeModel(proposer, mandate)
  expect(before - (await world.balance(PROPOSER.address))).toBe(parseEther('10'))
  expect((await listProposals(proposer))[0]).toMatchObject({ id: proposalId.toString(), state: 'Pending' })
  await expect(resolveBond(await as(9), modelId)).rejects.toThrow(/ModelRegistry.resolveBond is refused: .*FateUnknown/)

  await world.warp(SETTINGS.votingDelay + SETTINGS.votingPeriod + 2)
  let returned = 0n
  const settle = async () => {
    returned = await resolveBond(await as(9), modelId)
  }
  expect(await received(2, settle)).toBe(parseEther('8'))
  expect(returned).toBe(parseEther('8'))
  await expect(settle()).rejects.toThrow(/BondAlreadySettled/)
})

test('the vote about a model whose bond is locked already is opened without another bond', async () => {
  const { as, world } = system
  const { modelId, proposalId } = await propose(world)
  const begun = { modelId, proposalId }
  const open = async () => proposeModel(await as(2), { specHash: hashOf('specification'), terms: TERMS, begun })
  expect(await received(2, async () => expect(await open()).toEqual(begun))).toBe(0n)
  expect((await listProposals(await as())).map(({ id }) => id)).toContain(proposalId.toString())
})

test('a validator’s program commits, reveals when it is asked again later, and says what it could not do', async () => {
  const { as, world } = system
  const first = await judgeableRound(system, 4)
  const tasks = [first, first + 1n, first + 2n]
  const said = { choice: 1, ethics: 90, logic: 80, functional: 70, confidence: 60 } as const
  const judged = tasks.map((taskId) => ({ taskId, ...said }))
  const [alice, late] = [await as(4), await as(4)] // each with a state of its own
  await waitForBlock(late, await world.client.getBlockNumber({ cacheTime: 0 }))
  await judgeTasks(late, judged.slice(2))
  const mine = judged.slice(0, 2)
  const { revealFrom, ...done } = await judgeTasks(alice, [...mine, { taskId: 999n, ...said }])
  expect(done).toEqual({
    ...{ committed: [first, first + 1n], revealed: [] },
    skipped: [{ task: 999n, why: expect.stringMatching(/There is no such comparison/) }],
  })
  expect(await keptTasks(alice, tasks)).toEqual([first, first + 1n])
  expect(await keptTasks(late, tasks)).toEqual([first + 2n])
  expect(await judgeTasks(alice, mine)).toEqual({ committed: [], revealed: [], revealFrom, skipped: [] })

  const warpTo = async (seconds: number) => world.warp(seconds - (await world.now()))
  const end = Number(revealFrom) / 1000
  await warpTo(end + 1)
  expect(await judgeTasks(alice, [])).toMatchObject({ revealed: [first, first + 1n], revealFrom: null, skipped: [] })
  expect(await keptTasks(alice, tasks)).toEqual([])
  await warpTo(end + 1001)
  expect(await judgeTasks(late, [])).toMatchObject({
    ...{ committed: [], revealed: [] },
    skipped: [{ task: first + 2n, why: expect.stringMatching(/an unrevealed commitment is fined/) }],
  })
})

test('a proposal passes by a ballot that its voter signed and another account cast; what it decides is done', async () => {
  const { as, world } = system
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
  expect(await received(13, () => executeProposal(relay, proposalId))).toBe(30n)
  for (const act of [queueProposal, executeProposal]) expect(await received(13, () => act(relay, proposalId))).toBe(0n)
})
