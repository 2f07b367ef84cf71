import type { Client } from '../client.ts'
import { ContractRefusal } from '../errors.ts'
import { type JudgingDuties, judgingDuties } from '../reads/judgingDuties.ts'
import type { TaskJudgement } from '../state/keptJudgements.ts'
import { commitJudgement } from './commitJudgement.ts'
import { drawSeats } from './drawSeats.ts'
import { revealJudgement } from './revealJudgement.ts'

export interface JudgedTasks {
  committed: bigint[]
  revealed: bigint[]
  /** When what is committed may be revealed; null when nothing waits. Ask again then: what is not revealed in time is fined. */
  revealFrom: Date | null
  /** What could not be done, and why. */
  skipped: { task: bigint; why: string }[]
}

/**
 * Draws the seats of rounds that have none yet, commits to judgements of tasks at which the account has a seat, and reveals those whose time has come. Asked for again with the same judgements, it
 * does what is left.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, judgeTasks } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const said = { choice: 0, ethics: 90, logic: 80, functional: 70, confidence: 95 } as const
 * const { committed, skipped } = await judgeTasks(client, [{ taskId: 99n, ...said }])
 * assert.deepEqual([committed.length, skipped[0]?.task], [0, 99n]) // there is no such task
 * ```
 */
export async function judgeTasks(client: Client, judgements: readonly TaskJudgement[]): Promise<JudgedTasks> {
  const duties = await drawnDuties(client)
  const { toJudge, toReveal, waiting } = duties
  const revealed = toReveal.map(({ taskId }) => taskId)
  if (revealed.length > 0) await revealJudgement(client, revealed)
  const seated = new Map(toJudge.map((task) => [task.taskId, task]))
  const mine = judgements.filter(({ taskId }) => seated.has(taskId))
  if (mine.length > 0) await commitJudgement(client, mine)
  const later = [...waiting, ...mine.flatMap(({ taskId }) => seated.get(taskId) ?? [])]
  const first = Math.min(...later.map(({ commitUntil }) => commitUntil.getTime()))
  return {
    ...{ committed: mine.map(({ taskId }) => taskId), revealed },
    revealFrom: later.length > 0 ? new Date(first) : null,
    skipped: [
      ...duties.missed.map(({ taskId, revealUntil }) => ({
        task: taskId,
        why: `It had to be revealed until ${revealUntil.toISOString()}: an unrevealed commitment is fined.`,
      })),
      ...judgements.flatMap(({ taskId }) => (seated.has(taskId) ? [] : whyNotCommitted(taskId, duties))),
    ],
  }
}

/** What there is to judge once all seats are drawn. */
async function drawnDuties(client: Client): Promise<JudgingDuties> {
  const duties = await judgingDuties(client)
  for (const roundId of duties.undrawn) await drawSeats(client, roundId).catch(ignoreOtherDraw)
  return duties.undrawn.length > 0 ? judgingDuties(client) : duties
}

/** The block that decides the seats is not mined yet, so that whoever looks later finds them, or somebody else has drawn them meanwhile. */
function ignoreOtherDraw(error: unknown): void {
  if (!(error instanceof ContractRefusal && ['DrawPending', 'AlreadyDrawn'].includes(error.errorName ?? '')))
    throw error
}

/** Nothing for a judgement that is committed already. */
function whyNotCommitted(task: bigint, { tasks, now }: JudgingDuties): { task: bigint; why: string }[] {
  const found = tasks.find(({ taskId }) => taskId === task)
  if (!found) return [{ task, why: 'There is no such comparison, or it is settled. `judge list` shows the open ones.' }]
  const { state, commitUntil } = found
  if (state !== 'open') return []
  if (commitUntil < now) return [{ task, why: `Judgements of it were taken until ${commitUntil.toISOString()}.` }]
  return [{ task, why: 'The account has no seat at it, or its seats are not drawn yet: try again after some blocks.' }]
}
