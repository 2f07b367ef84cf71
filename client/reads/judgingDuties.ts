import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { type JudgingTask, listJudgingTasks } from '../reads/judging.ts'
import { keptTasks } from '../state/keptJudgements.ts'

/** What an account has to do as a validator, at the chain's present time. */
export interface JudgingDuties {
  /** It has a seat and may commit. */
  toJudge: JudgingTask[]
  /** Committed with this state, and may be revealed now. */
  toReveal: JudgingTask[]
  /** Committed; to be revealed later, from the end of their commit phase on. */
  waiting: JudgingTask[]
  /** Committed with this state and not revealed in time. */
  missed: JudgingTask[]
  /** All that are not settled. */
  tasks: JudgingTask[]
  now: Date
  /** Open rounds whose seats nobody has drawn yet. */
  undrawn: bigint[]
}

/**
 * Looks what there is to judge and to reveal.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, judgingDuties } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const { toJudge, toReveal, undrawn } = await judgingDuties(client)
 * assert.deepEqual([toJudge, toReveal, undrawn], [[], [], []]) // no round is open
 * ```
 */
export async function judgingDuties(client: Client): Promise<JudgingDuties> {
  const now = Number((await client.node.getBlock()).timestamp) * 1000
  const tasks = await listJudgingTasks(client)
  const open = tasks.filter(({ state, commitUntil }) => state === 'open' && commitUntil.getTime() >= now)
  const seated = await Promise.all(
    open.map(({ taskId }) => client.read('FeedbackPool', 'hasSeat', [taskId, accountOf(client)])),
  )
  const committed = tasks.filter(({ state }) => state === 'committed')
  const kept = new Set(
    await keptTasks(
      client,
      committed.map(({ taskId }) => taskId),
    ),
  )
  const closed = committed.filter(({ taskId, commitUntil }) => kept.has(taskId) && commitUntil.getTime() < now)
  return {
    ...{ tasks, now: new Date(now) },
    undrawn: [...new Set(open.filter(({ drawn }) => !drawn).map(({ roundId }) => roundId))],
    toJudge: open.filter((_, index) => seated[index]),
    toReveal: closed.filter(({ revealUntil }) => revealUntil.getTime() >= now),
    waiting: committed.filter(({ commitUntil }) => commitUntil.getTime() >= now),
    missed: closed.filter(({ revealUntil }) => revealUntil.getTime() < now),
  }
}
