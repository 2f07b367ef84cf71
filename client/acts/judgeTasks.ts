import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { ContractRefusal } from '../errors.ts'
import { type JudgingTask, listJudgingTasks } from '../reads/judging.ts'
import { commitJudgement, drawSeats, keptTasks, revealJudgement, type TaskJudgement } from './judge.ts'

/** What an account has to do as a validator, at the chain's present time. */
export interface JudgingDuties {
  /** It has a seat and may commit. */
  toJudge: JudgingTask[]
  /** Committed with this state, and may be revealed now. */
  toReveal: JudgingTask[]
  /** Committed; to be revealed later, from the end of their commit phase on. */
  waiting: JudgingTask[]
}

/** Looks what there is to judge and to reveal; draws the seats of rounds that have none yet. */
export async function judgingDuties(client: Client): Promise<JudgingDuties> {
  const now = Number((await client.node.getBlock()).timestamp) * 1000
  const tasks = await listJudgingTasks(client)
  const open = tasks.filter(({ state, commitUntil }) => state === 'open' && commitUntil.getTime() >= now)
  for (const roundId of new Set(open.filter(({ drawn }) => !drawn).map((one) => one.roundId)))
    await drawSeats(client, roundId).catch(ignorePendingDraw)
  const seated = await Promise.all(
    open.map(({ taskId }) => client.read('FeedbackPool', 'hasSeat', [taskId, accountOf(client)])),
  )
  const committed = tasks.filter(({ state, revealUntil }) => state === 'committed' && revealUntil.getTime() >= now)
  const kept = new Set(
    await keptTasks(
      client,
      committed.map(({ taskId }) => taskId),
    ),
  )
  return {
    toJudge: open.filter((_, index) => seated[index]),
    toReveal: committed.filter(({ taskId, commitUntil }) => kept.has(taskId) && commitUntil.getTime() < now),
    waiting: committed.filter(({ commitUntil }) => commitUntil.getTime() >= now),
  }
}

/** The block that decides the seats is not mined yet: whoever looks later finds them. */
function ignorePendingDraw(error: unknown): void {
  if (!(error instanceof ContractRefusal && error.errorName === 'DrawPending')) throw error
}

export interface JudgedTasks {
  committed: bigint[]
  revealed: bigint[]
  /** When what is committed may be revealed; null when nothing waits. Ask again then: what is not revealed in time is fined. */
  revealFrom: Date | null
}

/** Commits to judgements of tasks at which the account has a seat, and reveals those whose time has come. Asked for again with the same judgements, it
 *  does what is left. */
export async function judgeTasks(client: Client, judgements: readonly TaskJudgement[]): Promise<JudgedTasks> {
  const { toJudge, toReveal, waiting } = await judgingDuties(client)
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
  }
}
