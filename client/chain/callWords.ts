import { formatEther } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import { SUPPORT } from '../acts/ballot.ts'
import { inGOpen } from '../amounts.ts'
import type { PlannedStep } from '../client.ts'
import type { WriteName } from './contracts.ts'

/** What a call does, in words: for whoever is asked to sign it, and for a dry run. */

type Args = readonly unknown[]
type Say = (args: Args, named: Named, value: bigint) => string
/** How an address is shown, or an id that may be long. */
type Named = (name: string) => string
type CallName = { [C in ContractName]: `${C}.${WriteName<C>}` }[ContractName]
/** What is signed for the API alone, as the steps of a dry run name it. */
type SigningName = 'sign a voucher' | 'sign a withdrawal' | 'sign a receipt'

const amount = (wei: unknown) => inGOpen(wei as bigint)

const manyOf = (list: unknown, one: string): string => {
  const { length } = list as Args
  return `${length} ${length === 1 ? one : `${one}s`}`
}

const SIDES = Object.keys(SUPPORT)

const ballotWords = (id: string, side: unknown, reason: unknown): string =>
  `Vote ${SIDES[Number(side)]} on proposal ${id}${reason ? `: “${reason}”` : ', without a reason'}`

const allows: Say = ([spender, wei], named) =>
  `Allow the contract ${named(String(spender))} to take ${amount(wei)} of yours`
const delegates: Say = ([to], named) => `Let ${named(String(to))} vote with all that you have locked`

const WORDS: { readonly [Name in CallName]?: Say } & { readonly [Name in SigningName]: Say } = {
  'GOpen.deposit': (_, __, value) => `Wrap ${formatEther(value)} native tokens into as much gOPEN`,
  'GOpen.withdraw': ([wei]) => `Unwrap ${amount(wei)} into native tokens`,
  'GOpen.transfer': ([to, wei], named) => `Send ${amount(wei)} to ${named(String(to))}`,
  'GOpen.approve': allows,
  'GOpen.permit': ([, ...allowed], ...rest) => allows(allowed, ...rest),
  'GOpen.lock': ([wei]) => `Lock ${amount(wei)}, so that it votes`,
  'GOpen.delegate': delegates,
  'GOpen.delegateBySig': delegates,
  'GOpen.requestUnlock': ([wei]) => `Take the vote from ${amount(wei)}, to unlock it later`,
  'GOpen.unlock': () => 'Take back what is unlocked',
  'ModelGovernor.castVoteWithReason': ([id, side, reason], named) => ballotWords(named(String(id)), side, reason),
  'ModelGovernor.castVoteWithReasonAndParamsBySig': ([id, side, , reason], named) =>
    ballotWords(named(String(id)), side, reason),
  'ModelGovernor.queue': () => 'Queue the proposal in the timelock',
  'ModelGovernor.execute': () => 'Carry out the proposal',
  'ModelGovernor.propose': ([, , , description]) => `Open the vote: “${String(description).slice(0, 120)}”`,
  'ModelRegistry.propose': ([, , , bond]) => `Lock a bond of ${amount(bond)} for the model`,
  'ModelRegistry.resolveBond': ([id]) => `Settle the bond of model ${id}`,
  'ModelRegistry.stake': ([id, wei]) => `Stake ${amount(wei)} on model ${id}`,
  'ModelRegistry.unstake': ([id, wei]) => `Take ${amount(wei)} back from model ${id}`,
  'DatanetRegistry.createDatanet': ([id, licence, least]) =>
    `Open a datanet for model ${id} under ${licence}, with a stake of at least ${amount(least)} on each sample`,
  'DatanetRegistry.commit': () => 'Commit to a batch of samples by a hash, so that nobody can copy them in flight',
  'DatanetRegistry.submit': ([id, , hashes, each]) =>
    `Submit ${manyOf(hashes, 'sample')} to datanet ${id}: you stake ${(hashes as Args).length} × ${formatEther(each as bigint)} = ${amount(submittedStake(hashes, each))}`,
  'DatanetRegistry.withdrawStake': ([ids]) => `Take back the stake of ${manyOf(ids, 'sample')}`,
  'FeedbackPool.stake': ([wei]) => `Stake ${amount(wei)} to judge`,
  'FeedbackPool.unstake': ([wei]) => `Take back ${amount(wei)} that you have staked to judge`,
  'FeedbackPool.commit': ([ids]) => `Commit to ${manyOf(ids, 'judgement')}, without showing what they say`,
  'FeedbackPool.reveal': ([list]) => `Reveal ${manyOf(list, 'judgement')}`,
  'FeedbackPool.drawSeats': ([id]) => `Draw the seats of round ${id}`,
  'InferenceMarket.registerEndpoint': ([id, url, ...prices]) =>
    `Open an endpoint for version ${id} at ${url}, ${pricesOf(prices)}`,
  'InferenceMarket.setVersion': ([id, version]) => `Let endpoint ${id} serve version ${version}`,
  'InferenceMarket.setPrice': ([id, ...prices]) => `Set the prices of endpoint ${id}, ${pricesOf(prices)}`,
  'InferenceMarket.deposit': ([id, , wei]) => `Deposit ${amount(wei)} of credit with endpoint ${id}`,
  'InferenceMarket.requestWithdrawal': ([, wei]) => `Ask for ${amount(wei)} of credit back`,
  'InferenceMarket.withdraw': () => 'Take the credit that was asked for',
  'RewardDistributor.claim': ([epoch, account, granted], named) =>
    `Claim for ${named(String(account))}: ${amount(granted)} in all by the map of epoch ${epoch}, less what was paid before`,
  'Disputes.open': ([, id], named) => `Open a dispute about ${named(String(id))}, with its bond`,
  'Disputes.openMap': ([epoch]) => `Open a dispute about the reward map of epoch ${epoch}, with its bond`,
  'sign a voucher': ([, ceiling]) =>
    `Promise the host at most ${amount(ceiling)} of the channel in all, for the calls so far and this one`,
  'sign a withdrawal': ([ids, reason]) =>
    `Take back ${manyOf(ids, 'sample')} for good, because “${reason}”. This costs nothing`,
  'sign a receipt': ([id]) => `Countersign receipt ${id}. This costs nothing`,
}

const submittedStake = (hashes: unknown, each: unknown) => BigInt((hashes as Args).length) * (each as bigint)

const pricesOf = ([input, output]: Args) =>
  `for ${amount(input)} for 1,000 tokens of prompts and ${amount(output)} for 1,000 of answers`

/** The gOPEN that a call stakes, locks or pays, in wei. */
const TAKEN: { readonly [Name in CallName]?: (args: Args) => unknown } = {
  'GOpen.lock': ([wei]) => wei,
  'GOpen.transfer': ([, wei]) => wei,
  'ModelRegistry.propose': ([, , , bond]) => bond,
  'ModelRegistry.stake': ([, wei]) => wei,
  'DatanetRegistry.submit': ([, , hashes, each]) => submittedStake(hashes, each),
  'FeedbackPool.stake': ([wei]) => wei,
  'InferenceMarket.deposit': ([, , wei]) => wei,
}

type SaidCall = Pick<PlannedStep, 'step' | 'args' | 'value'>

/** What a call does; undefined when nobody has put it into words. */
export const callWords = ({ step, args, value }: SaidCall, named: Named = (name) => name): string | undefined =>
  WORDS[step as keyof typeof WORDS]?.(args, named, value)

export const takenBy = ({ step, args }: SaidCall): bigint => BigInt(String(TAKEN[step as CallName]?.(args) ?? 0))
