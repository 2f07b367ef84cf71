import { encodeAbiParameters, type Hex, keccak256 } from 'viem'
import { accountOf } from '../account.ts'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { StateError } from '../errors.ts'
import { allowTransfer } from './tokens.ts'

/** What a validator says about a comparison. `choice`: 0 is the first answer, 1 the second, 2 a tie. The ratings, from 0 to 100, are of the preferred answer. */
export interface TaskJudgement {
  taskId: bigint
  choice: 0 | 1 | 2
  ethics: number
  logic: number
  functional: number
  /** In percent, that the choice is right. */
  confidence: number
}

/** Judgements that one transaction takes. */
const BATCH = 40

/**
 * Stakes gOPEN, in wei, to judge: seats at the rounds that open afterwards are drawn by stake.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, stakeAsValidator, unstakeAsValidator, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 10n * 10n ** 18n)
 * await stakeAsValidator(client, 10n * 10n ** 18n)
 * assert.equal(await client.read('FeedbackPool', 'stakeOf', [account.address]), 10n * 10n ** 18n)
 * await unstakeAsValidator(client, 10n * 10n ** 18n)
 * ```
 */
export const stakeAsValidator = (client: Client, amount: bigint): Promise<void> =>
  Act.run(client, 'stakeAsValidator', { amount }, async (act) => {
    const call = { contract: 'FeedbackPool', functionName: 'stake', args: [amount] } as const
    await allowTransfer(act, 'FeedbackPool', amount, call)
    await act.send(call)
  })

/** Gives stake to judge back, in wei: not while commitments wait for their settlement, nor while a judgement of the account is disputed. */
export const unstakeAsValidator = (client: Client, amount: bigint): Promise<void> =>
  Act.run(client, 'unstakeAsValidator', { amount }, async (act) => {
    await act.send({ contract: 'FeedbackPool', functionName: 'unstake', args: [amount] })
  })

/** Draws the seats of a round, where its workers did not: from one block after the block of its seed on, anybody may. When the chain does not know that block's
 *  hash any more (after 256 blocks), the seats wait for a later block; draw again after that one. */
export const drawSeats = (client: Client, roundId: bigint): Promise<void> =>
  Act.run(client, 'drawSeats', { roundId }, async (act) => {
    await act.send({ contract: 'FeedbackPool', functionName: 'drawSeats', args: [roundId] })
  })

/** Commits to judgements without showing them. They are kept with their salts in the client's state until `revealJudgement` shows them: with a state
 *  that does not outlast the program, they are lost with it, and an unrevealed commitment is fined. */
export const commitJudgement = (client: Client, judgements: readonly TaskJudgement[]): Promise<void> =>
  Act.run(client, 'commitJudgement', { tasks: judgements.map(({ taskId }) => taskId) }, async (act) => {
    for (let start = 0; start < judgements.length; start += BATCH) {
      act.progress({ step: 'committing', done: start, total: judgements.length })
      const batch = judgements.slice(start, start + BATCH)
      const kept: SaltedJudgement[] = []
      for (const one of batch) kept.push(await keepJudgement(act, one)) // one after the other: they write one state
      const args = [kept.map(({ taskId }) => taskId), kept.map((one) => judgementHash(act.account, one))] as const
      await act.send({ contract: 'FeedbackPool', functionName: 'commit', args })
    }
  })

/** Shows the judgements that were committed to, when the commit phase is over. @throws StateError when the state does not have one. */
export const revealJudgement = (client: Client, taskIds: readonly bigint[]): Promise<void> =>
  Act.run(client, 'revealJudgement', { taskIds }, async (act) => {
    for (let start = 0; start < taskIds.length; start += BATCH) {
      act.progress({ step: 'revealing', done: start, total: taskIds.length })
      const reveals = await Promise.all(taskIds.slice(start, start + BATCH).map((id) => keptJudgement(client, id)))
      await act.send({ contract: 'FeedbackPool', functionName: 'reveal', args: [reveals] })
    }
    if (!client.plan) for (const id of taskIds) await client.state.remove(keyOf(client, id))
  })

/** Of these tasks, those whose judgement the client's state has: only they can be revealed. */
export async function keptTasks(client: Client, taskIds: readonly bigint[]): Promise<bigint[]> {
  const kept: bigint[] = []
  for (const id of taskIds) if ((await client.state.read(keyOf(client, id))) !== undefined) kept.push(id)
  return kept
}

interface SaltedJudgement extends TaskJudgement {
  salt: Hex
}

const COMMITTED = ['uint256', 'address', 'uint8', 'uint8', 'uint8', 'uint8', 'uint8', 'bytes32'].map((type) => ({
  type,
}))

const judgementHash = (validator: Hex, one: SaltedJudgement): Hex =>
  keccak256(
    encodeAbiParameters(COMMITTED, [
      ...[one.taskId, validator, one.choice, one.ethics, one.logic, one.functional, one.confidence, one.salt],
    ]),
  )

const keyOf = (client: Client, taskId: bigint) =>
  `judgement/${client.deployment.addresses.FeedbackPool}/${accountOf(client)}/${taskId}`

/** Keeps a judgement with a salt before anything is sent. One that is kept already stays: its hash may be on chain. */
async function keepJudgement({ client }: Act, { taskId, ...said }: TaskJudgement): Promise<SaltedJudgement> {
  const key = keyOf(client, taskId)
  const known = await client.state.read(key)
  if (known) return { ...JSON.parse(known), taskId }
  const kept = { ...said, salt: client.newSecret(`salt of ${accountOf(client)} for task ${taskId}`) }
  if (!client.plan) await client.state.write(key, JSON.stringify(kept))
  return { ...kept, taskId }
}

async function keptJudgement(client: Client, taskId: bigint): Promise<SaltedJudgement> {
  const text = await client.state.read(keyOf(client, taskId))
  if (!text)
    throw new StateError(
      `The state has no judgement of task ${taskId}: it was revealed already, or committed with another state. Use the state file with which it was committed.`,
    )
  return { ...JSON.parse(text), taskId }
}
