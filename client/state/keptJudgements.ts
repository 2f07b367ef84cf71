import type { Hex } from 'viem'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { StateError } from '../errors.ts'

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

/** A judgement with what hides it in its commitment. */
export interface SaltedJudgement extends TaskJudgement {
  salt: Hex
}

const keyOf = (client: Client, taskId: bigint) =>
  `judgement/${client.deployment.addresses.FeedbackPool}/${accountOf(client)}/${taskId}`

/** Keeps a judgement with a salt before anything is sent. One that is kept already stays: its hash may be on chain. */
export async function keepJudgement(client: Client, { taskId, ...said }: TaskJudgement): Promise<SaltedJudgement> {
  const key = keyOf(client, taskId)
  const known = await client.state.read(key)
  if (known) return { ...JSON.parse(known), taskId }
  const kept = { ...said, salt: client.newSecret(`salt of ${accountOf(client)} for task ${taskId}`) }
  if (!client.plan) await client.state.write(key, JSON.stringify(kept))
  return { ...kept, taskId }
}

/** @throws StateError when the state does not have it. */
export async function keptJudgement(client: Client, taskId: bigint): Promise<SaltedJudgement> {
  const text = await client.state.read(keyOf(client, taskId))
  if (!text)
    throw new StateError(
      `The state has no judgement of task ${taskId}: it was revealed already, or committed with another state. Use the state file with which it was committed.`,
    )
  return { ...JSON.parse(text), taskId }
}

/** Forgets a judgement that was revealed. */
export const forgetJudgement = (client: Client, taskId: bigint): Promise<void> =>
  client.state.remove(keyOf(client, taskId))

/**
 * Of these tasks, those whose judgement the client's state has: only they can be revealed.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, keptTasks } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * assert.deepEqual(await keptTasks(client, [99n]), []) // commitJudgement keeps what it commits to
 * ```
 */
export async function keptTasks(client: Client, taskIds: readonly bigint[]): Promise<bigint[]> {
  const kept: bigint[] = []
  for (const id of taskIds) if ((await client.state.read(keyOf(client, id))) !== undefined) kept.push(id)
  return kept
}
