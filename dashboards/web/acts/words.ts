import { formatEther } from 'viem'
import { gopen, short } from '../say/figures.ts'
import type { AskedSignature, AskedTransaction } from '../wallet/guard.ts'

/** What a transaction or a signature does, in words. */

type Say = (args: readonly unknown[], value: bigint) => string

const amount = (value: unknown) => `${gopen(value as bigint)} gOPEN`
const many = (list: unknown, one: string) => {
  const { length } = list as unknown[]
  return `${length} ${length === 1 ? one : `${one}s`}`
}
const SIDES = ['against', 'for', 'abstain']

const WORDS: Record<string, Say> = {
  'GOpen.deposit': (_, value) => `Wrap ${formatEther(value)} native tokens into as much gOPEN`,
  'GOpen.withdraw': ([wei]) => `Unwrap ${amount(wei)} into native tokens`,
  'GOpen.approve': ([spender, wei]) => `Allow the contract ${short(String(spender))} to take ${amount(wei)} of yours`,
  'GOpen.lock': ([wei]) => `Lock ${amount(wei)}, so that it votes`,
  'GOpen.delegate': ([to]) => `Let ${short(String(to))} vote with all that you have locked`,
  'GOpen.requestUnlock': ([wei]) => `Take the vote from ${amount(wei)}, to unlock it later`,
  'GOpen.unlock': () => 'Take back what is unlocked',
  'ModelGovernor.castVoteWithReason': ([id, side, reason]) =>
    `Vote ${SIDES[Number(side)]} on proposal ${short(String(id))}${reason ? `: “${reason}”` : ', without a reason'}`,
  'ModelGovernor.queue': () => 'Queue the proposal in the timelock',
  'ModelGovernor.execute': () => 'Carry out the proposal',
  'ModelGovernor.propose': ([, , , description]) => `Open the vote: “${String(description).slice(0, 120)}”`,
  'ModelRegistry.propose': ([, , , bond]) => `Lock a bond of ${amount(bond)} for the model`,
  'ModelRegistry.stake': ([id, wei]) => `Stake ${amount(wei)} on model ${id}`,
  'ModelRegistry.unstake': ([id, wei]) => `Take ${amount(wei)} back from model ${id}`,
  'DatanetRegistry.commit': () => 'Commit to a batch of samples by a hash, so that nobody can copy them in flight',
  'DatanetRegistry.submit': ([id, , hashes, each]) =>
    `Submit ${many(hashes, 'sample')} to datanet ${id}, with a stake of ${amount(each)} each`,
  'DatanetRegistry.withdrawStake': ([ids]) => `Take back the stake of ${many(ids, 'sample')}`,
  'FeedbackPool.stake': ([wei]) => `Stake ${amount(wei)} to judge`,
  'FeedbackPool.unstake': ([wei]) => `Take back ${amount(wei)} that you have staked to judge`,
  'FeedbackPool.commit': ([ids]) => `Commit to ${many(ids, 'judgement')}, without showing what they say`,
  'FeedbackPool.reveal': ([list]) => `Reveal ${many(list, 'judgement')}`,
  'FeedbackPool.drawSeats': ([id]) => `Draw the seats of round ${id}`,
  'InferenceMarket.deposit': ([id, , wei]) => `Deposit ${amount(wei)} of credit with endpoint ${id}`,
  'InferenceMarket.requestWithdrawal': ([, wei]) => `Ask for ${amount(wei)} of credit back`,
  'InferenceMarket.withdraw': () => 'Take the credit that was asked for',
  'RewardDistributor.claim': ([epoch, account, granted]) =>
    `Claim for ${short(String(account))}: ${amount(granted)} in all by the map of epoch ${epoch}, less what was paid before`,
  'Disputes.open': ([, id]) => `Open a dispute about ${short(String(id))}`,
}

const ballot = ({ proposalId, support, reason }: Readonly<Record<string, unknown>>) =>
  `Vote ${SIDES[Number(support)]} on proposal ${short(String(proposalId))}${reason ? `: “${reason}”` : ', without a reason'}`

const SIGNATURES: Record<string, (message: Readonly<Record<string, unknown>>) => string> = {
  Voucher: ({ maxClaimableAmount }) =>
    `Promise the host at most ${amount(BigInt(String(maxClaimableAmount)))} of the channel in all, for the calls so far and this one`,
  Ballot: ballot,
  ExtendedBallot: ballot,
  Delegation: ({ delegatee }) => `Let ${short(String(delegatee))} vote with all that you have locked`,
  Permit: ({ spender, value }) =>
    `Allow the contract ${short(String(spender))} to take ${amount(BigInt(String(value)))} of yours`,
  Contribution: ({ datanetId, stakeEach }) =>
    `Submit a batch of samples to datanet ${datanetId}, with a stake of ${amount(BigInt(String(stakeEach)))} each`,
  Withdrawal: ({ contributionIds, reason }) =>
    `Take back ${many(contributionIds, 'sample')} for good, because “${reason}”. This costs nothing`,
}

type Shown = AskedSignature | Omit<AskedTransaction, 'data'>

export interface ShownStep {
  words: string
  /** The contract and its function, or the type of the message. */
  name: string
  /** The arguments as they are signed. */
  detail: string
}

export function stepOf(asked: Shown): ShownStep {
  if (asked.kind === 'signature') {
    const { type, message } = asked
    return { words: SIGNATURES[type]?.(message) ?? `Sign a ${type}`, name: type, detail: plain(message) }
  }
  const { contract, functionName, args, value } = asked
  const name = `${contract}.${functionName}`
  return { words: WORDS[name]?.(args, value) ?? `Call ${name}`, name, detail: plain(args) }
}

const plain = (value: unknown) =>
  JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? one.toString() : one), 1).slice(0, 4000)
