import {
  type Abi,
  type Address,
  encodeAbiParameters,
  encodeFunctionData,
  encodePacked,
  type Hex,
  keccak256,
  zeroHash,
} from 'viem'
import { contracts } from '#contracts/events.ts'
import { must } from '#test/must.ts'
import type { TestChain } from './chain.ts'
import { disputeMaps, serve } from './market.ts'
import { OPEN, textHash, wholeOpen } from './values.ts'

/** A sequence of transactions in which the contracts emit every event that they can emit. Account 0 is the operator; 1 proposes and hosts; 2 votes,
 *  validates and publishes with a bond; 3 contributes; 4 consumes and disputes. */

export const STORY_SETTINGS = {
  votingDelay: 5,
  votingPeriod: 40,
  lateQuorumExtension: 30,
  timelockDelay: 5,
  challengeWindow: 20,
  epochLength: 8,
  withdrawalDelay: 5,
  stakeHold: 5,
  appealTime: 10,
  disputeTerm: 400,
  reopenTime: 3,
}

const split = {
  platform: 500,
  owner: 2000,
  stakers: 1000,
  data: 4000,
  validators: 1000,
  host: 2000,
  ancestors: 1000,
  dataByWeight: 5000,
  unattributedByWeight: true,
}

type Actions = [Address[], bigint[], Hex[], string]

async function money(chain: TestChain) {
  const { send, accounts, deployment } = chain
  for (const who of [0, 1, 2, 3, 4]) {
    await send(who, 'GOpen', 'deposit', [], wholeOpen(1000))
    for (const spender of Object.values(deployment.addresses))
      if (spender !== deployment.addresses.GOpen) await send(who, 'GOpen', 'approve', [spender, wholeOpen(100_000)])
  }
  await send(1, 'GOpen', 'delegate', [accounts[1]])
  await send(2, 'GOpen', 'delegate', [accounts[2]])
  await send(3, 'GOpen', 'delegate', [accounts[2]])
  await send(3, 'GOpen', 'delegate', [accounts[2]])
  for (const who of [1, 2, 3]) await send(who, 'GOpen', 'lock', [wholeOpen(800)])
  await send(3, 'GOpen', 'requestUnlock', [wholeOpen(1)])
  await send(3, 'GOpen', 'transfer', [accounts[2], wholeOpen(1)])
  await send(2, 'GOpen', 'withdraw', [wholeOpen(2)])
  await send(0, 'GOpen', 'transfer', [deployment.addresses.Treasury, wholeOpen(100)])
}

/** Queues and executes a proposal that succeeded. */
async function carryOut(chain: TestChain, [targets, values, calldatas, description]: Actions) {
  const rest = [targets, values, calldatas, textHash(description)] as const
  await chain.send(0, 'ModelGovernor', 'queue', rest)
  await chain.wait(6)
  await chain.send(0, 'ModelGovernor', 'execute', rest)
}

/** The terms of a mandate for 50 gOPEN. */
export const terms = async (chain: TestChain) => {
  const block = (await chain.call('eth_getBlockByNumber', 'latest', false)) as { timestamp: string }
  const deadline = BigInt(block.timestamp) + 100_000n
  const targets = [
    { metric: 'accuracy', minimum: 500_000n, mayFall: true },
    { metric: 'accuracy', minimum: 400_000n, mayFall: false },
    { metric: 'loss', minimum: -300_000n, mayFall: true },
  ]
  return { budget: wholeOpen(50), rubricHash: textHash('rubric'), deadline, targets, split }
}

async function governance(chain: TestChain) {
  const { send, read, accounts, deployment } = chain
  await send(1, 'ModelRegistry', 'propose', [textHash('spec'), 'ipfs://spec\0', await terms(chain), wholeOpen(2)])
  const actions = (await read('ModelRegistry', 'proposalActions', [1n])) as Actions
  await send(1, 'ModelGovernor', 'propose', actions)
  const id = (await read('ModelGovernor', 'hashProposal', [...actions.slice(0, 3), textHash(actions[3])])) as bigint
  await chain.wait(6)
  await send(3, 'ModelGovernor', 'castVoteWithReasonAndParams', [id, 2, 'undecided', '0x1234'])
  await send(2, 'ModelGovernor', 'castVoteWithReason', [id, 1, 'a good one \0'])
  await send(1, 'ModelGovernor', 'castVote', [id, 0])
  await send(4, 'GOpen', 'deposit', [], wholeOpen(7)) // after the snapshot: counts for no quorum of this proposal
  await chain.wait(80)
  await carryOut(chain, actions)
  await send(0, 'ModelRegistry', 'resolveBond', [1n])
  await send(0, 'ModelRegistry', 'fundMandate', [1n, wholeOpen(3)])
  await send(0, 'ModelRegistry', 'spendBudget', [1n, accounts[0], 'compute', wholeOpen(5)])
  await send(3, 'ModelRegistry', 'stake', [1n, wholeOpen(9)])
  await send(3, 'ModelRegistry', 'unstake', [1n, wholeOpen(4)])

  const call = (contract: 'ModelGovernor' | 'TimelockController', functionName: string, args: unknown[]) =>
    encodeFunctionData({ abi: contracts[contract].abi as Abi, functionName, args })
  const { ModelGovernor: governor, TimelockController: timelock } = deployment.addresses
  const settings: Actions = [
    [governor, governor, governor, governor, governor, timelock],
    [0n, 0n, 0n, 0n, 0n, 0n],
    [
      call('ModelGovernor', 'setVotingDelay', [4]),
      call('ModelGovernor', 'setVotingPeriod', [41]),
      call('ModelGovernor', 'setProposalThreshold', [1n]),
      call('ModelGovernor', 'updateQuorumNumerator', [11n]),
      call('ModelGovernor', 'setLateQuorumVoteExtension', [31]),
      call('TimelockController', 'updateDelay', [4n]),
    ],
    'New settings',
  ]
  await send(2, 'ModelGovernor', 'propose', settings)
  const second = (await read('ModelGovernor', 'hashProposal', [
    ...settings.slice(0, 3),
    textHash(settings[3]),
  ])) as bigint
  await chain.wait(40)
  await send(2, 'ModelGovernor', 'castVote', [second, 1]) // late: the vote is extended
  await chain.wait(80)
  await carryOut(chain, settings)

  const hollow: Actions = [[governor], [0n], [call('ModelGovernor', 'setVotingDelay', [9])], 'Never mind']
  await send(2, 'ModelGovernor', 'propose', hollow)
  await send(2, 'ModelGovernor', 'cancel', [...hollow.slice(0, 3), textHash(hollow[3])])
  await send(1, 'ModelRegistry', 'propose', [textHash('spec 2'), 'ipfs://2', await terms(chain), wholeOpen(2)])
  const unpopular = (await read('ModelRegistry', 'proposalActions', [2n])) as Actions
  await send(1, 'ModelGovernor', 'propose', unpopular)
  await chain.wait(100)
  await send(0, 'ModelRegistry', 'resolveBond', [2n]) // no votes: the bond is slashed
}

async function contribute(chain: TestChain, contributor: number, name: string, count: number, stake: bigint) {
  const { send, accounts } = chain
  const hashes = Array.from({ length: count }, (_, index) => textHash(`${name} ${index}`))
  const salt = textHash(`salt of ${name}`)
  const types = [{ type: 'uint256' }, { type: 'address' }, { type: 'bytes32' }, { type: 'bytes32' }] as const
  const contents = keccak256(encodePacked(['bytes32[]'], [hashes]))
  const commitment = keccak256(encodeAbiParameters(types, [1n, must(accounts[contributor]), contents, salt]))
  await send(contributor, 'DatanetRegistry', 'commit', [commitment, accounts[contributor]])
  await send(0, 'DatanetRegistry', 'commit', [commitment, accounts[0]]) // a copy under another name changes nothing
  await send(contributor, 'DatanetRegistry', 'submit', [
    1n,
    accounts[contributor],
    hashes,
    stake,
    salt,
    2n ** 63n,
    '0x',
  ])
}

async function data(chain: TestChain) {
  const { send } = chain
  await send(1, 'DatanetRegistry', 'createDatanet', [1n, 'CC-BY-4.0', OPEN / 10n, 0])
  await contribute(chain, 3, 'tickets', 4, OPEN)
  const score = [
    [1n, 2n, 3n, 4n],
    [900_000, 0, 500_000, 700_000],
    [1_000_000, 0, 400_000, 0],
    [1, 2, 1, 1],
  ]
  await send(0, 'DatanetRegistry', 'score', [...score, ['', 'copied', '', '']])
  await send(0, 'DatanetRegistry', 'slash', [2n, OPEN / 2n, textHash('evidence')])
  await chain.wait(6)
  await send(3, 'DatanetRegistry', 'withdrawStake', [[1n, 2n]])
}

async function versions(chain: TestChain) {
  const { send } = chain
  const metric = (name: string, score: bigint) => ({
    metric: name,
    score,
    lower: score - 1000n,
    upper: score + 1000n,
    n: 200n,
  })
  for (const [id, parent] of [
    [1n, 0n],
    [2n, 1n],
    [3n, 2n],
  ] as const) {
    const hashes = ['dataset', 'manifest', 'adapter'].map((part) => textHash(`${part} ${id}`))
    await send(0, 'ModelRegistry', 'registerVersion', [1n, parent, 'sft', ...hashes])
    const metrics = [metric('accuracy', 700_000n + id), metric('loss', -200_000n)]
    await send(0, 'EvaluationRegistry', 'log', [id, textHash('rubric'), metrics, textHash(`log ${id}`)])
    await send(4, 'ModelRegistry', 'promote', [id])
  }
}

async function judge(chain: TestChain) {
  const { send, accounts } = chain
  const time = async () =>
    Number(((await chain.call('eth_getBlockByNumber', 'latest', false)) as { timestamp: string }).timestamp)
  await send(2, 'FeedbackPool', 'stake', [wholeOpen(10)])
  await send(4, 'FeedbackPool', 'stake', [wholeOpen(10)])
  const now = await time()
  const task = { versionId: 1n, domain: 'support', itemHash: textHash('item'), pot: wholeOpen(1) }
  const gold = keccak256(encodeAbiParameters([{ type: 'bytes32' }], [textHash('gold')]))
  const tasks = [task, { ...task, versionId: 2n }]
  await send(0, 'FeedbackPool', 'openRound', [1n, tasks, now + 20, now + 40, 60, gold])
  await chain.wait(1)
  const types = ['uint256', 'address', 'uint8', 'uint8', 'uint8', 'uint8', 'uint8', 'bytes32'].map((type) => ({ type }))
  const commitment = (taskId: bigint, who: number) =>
    keccak256(encodeAbiParameters(types, [taskId, must(accounts[who]), 1, 90, 80, 70, 60, zeroHash]))
  for (const who of [2, 4])
    await send(who, 'FeedbackPool', 'commit', [
      [1n, 2n],
      [commitment(1n, who), commitment(2n, who)],
    ])
  await chain.wait(21)
  const reveal = (taskId: bigint) => ({
    taskId,
    choice: 1,
    ethics: 90,
    logic: 80,
    functional: 70,
    confidence: 60,
    salt: zeroHash,
  })
  await send(2, 'FeedbackPool', 'reveal', [[reveal(1n), reveal(2n)]])
  await chain.wait(25)
  const settlement = (taskId: bigint, who: number, reward: bigint, penalty: bigint) => ({
    taskId,
    validator: accounts[who],
    score: 800_000,
    reward,
    penalty,
  })
  const all = [
    settlement(1n, 2, OPEN / 2n, 0n),
    settlement(2n, 2, OPEN, 0n),
    settlement(1n, 4, 0n, OPEN / 10n),
    settlement(2n, 4, 0n, OPEN / 10n),
  ]
  await send(3, 'FeedbackPool', 'openGold', [1n, textHash('gold')])
  await send(0, 'FeedbackPool', 'settle', [1n, [1n, 2n], all, textHash('settlement')])
  await send(0, 'FeedbackPool', 'updateReputation', [[accounts[2], accounts[4]], 'support', [800_000, 100_000], [2, 0]])
  await send(2, 'FeedbackPool', 'withdrawRewards')
  await send(4, 'FeedbackPool', 'unstake', [wholeOpen(3)])
}

/** The timelock itself decides a judgement's dispute, and a queued proposal is cancelled in the timelock. */
async function byTimelock(chain: TestChain) {
  const { send, read, call, deployment } = chain
  const { TimelockController: timelock, Disputes, ModelGovernor } = deployment.addresses
  const resolve = encodeFunctionData({ abi: contracts.Disputes.abi, functionName: 'resolve', args: [3n, true, OPEN] })
  const actions: Actions = [[Disputes], [0n], [resolve], 'The judgement was bought']
  await send(2, 'ModelGovernor', 'propose', actions)
  const id = (await read('ModelGovernor', 'hashProposal', [...actions.slice(0, 3), textHash(actions[3])])) as bigint
  await chain.wait(6)
  await send(2, 'ModelGovernor', 'castVote', [id, 1])
  await chain.wait(80)
  await carryOut(chain, actions)

  const stopped: Actions = [[ModelGovernor], [0n], ['0x'], 'Stopped in the timelock']
  await send(2, 'ModelGovernor', 'propose', stopped)
  const stoppedId = (await read('ModelGovernor', 'hashProposal', [
    ...stopped.slice(0, 3),
    textHash(stopped[3]),
  ])) as bigint
  await chain.wait(6)
  await send(2, 'ModelGovernor', 'castVote', [stoppedId, 1])
  await chain.wait(80)
  await send(0, 'ModelGovernor', 'queue', [...stopped.slice(0, 3), textHash(stopped[3])])
  const salt = (BigInt(ModelGovernor) << 96n) ^ BigInt(textHash(stopped[3]))
  const saltHex = `0x${salt.toString(16).padStart(64, '0')}` as Hex
  const operation = (await read('TimelockController', 'hashOperationBatch', [
    ...stopped.slice(0, 3),
    zeroHash,
    saltHex,
  ])) as Hex
  const cancel = encodeFunctionData({
    abi: contracts.TimelockController.abi,
    functionName: 'cancel',
    args: [operation],
  })
  await call('anvil_impersonateAccount', ModelGovernor)
  await call('anvil_setBalance', ModelGovernor, '0xde0b6b3a7640000')
  await call('eth_sendTransaction', { from: ModelGovernor, to: timelock, data: cancel, gas: '0x100000' })
  await call('anvil_stopImpersonatingAccount', ModelGovernor)
}

/** The guardian pauses, ends its pause, cancels a queued proposal, and is replaced. */
async function guard(chain: TestChain) {
  const { send, accounts, deployment } = chain
  await send(0, 'Guardian', 'pause')
  await send(0, 'Guardian', 'unpause')
  const { Guardian, ModelGovernor } = deployment.addresses
  const abi = contracts.Guardian.abi
  const replace = encodeFunctionData({ abi, functionName: 'setGuardian', args: [must(accounts[7])] })
  const queue = async (actions: Actions) => {
    const rest = [...actions.slice(0, 3), textHash(actions[3])]
    await send(2, 'ModelGovernor', 'propose', actions)
    const id = (await chain.read('ModelGovernor', 'hashProposal', rest)) as bigint
    await chain.wait(6)
    await send(2, 'ModelGovernor', 'castVote', [id, 1])
    await chain.wait(80)
    await send(0, 'ModelGovernor', 'queue', rest)
    return rest
  }
  await send(0, 'Guardian', 'cancel', await queue([[ModelGovernor], [0n], ['0x'], 'Stopped by the guardian']))
  const replacing = await queue([[Guardian], [0n], [replace], 'Another guardian'])
  await chain.wait(6)
  await send(0, 'ModelGovernor', 'execute', replacing)
}

/** A chain's first part of the story: a model with promoted versions, which endpoints may serve. */
export async function playToVersions(chain: TestChain) {
  await money(chain)
  await governance(chain)
  await data(chain)
  await versions(chain)
}

/** Plays the whole story. */
export async function playStory(chain: TestChain) {
  await playToVersions(chain)
  await judge(chain)
  await serve(chain)
  await disputeMaps(chain)
  await byTimelock(chain)
  await guard(chain)
  await chain.send(0, 'GOpen', 'unlock', [chain.accounts[3]])
  await drawLate(chain)
}

/** Nobody draws the seats of a round while the chain knows the hash of its block. */
async function drawLate(chain: TestChain) {
  const now = Number(((await chain.call('eth_getBlockByNumber', 'latest', false)) as { timestamp: string }).timestamp)
  const task = { versionId: 1n, domain: 'support', itemHash: textHash('late item'), pot: 0n }
  await chain.send(0, 'FeedbackPool', 'openRound', [1n, [task], now + 2000, now + 3000, 60, zeroHash])
  await chain.call('anvil_mine', '0x110')
  await chain.send(2, 'FeedbackPool', 'drawSeats', [2n])
}
