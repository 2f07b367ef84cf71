import type { Hex } from 'viem'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'
import { everyPage } from './everyPage.ts'

const TASKS = graphql(`
  query ($validator: String!, $after: String) {
    feedbackTasks(where: { settled: { eq: false } }, first: 100, after: $after, orderBy: [{ field: id, direction: asc }]) {
      nodes {
        id versionId domain itemHash commitDeadline revealDeadline roundId round { seed }
        judgements(where: { validator: { eq: $validator } }, first: 1) { nodes { choice } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }`)

const COMPARISON = graphql('query ($id: ID!) { artifact(id: $id) { json } }')

type TaskPage = ResultOf<typeof TASKS>['feedbackTasks']

/** A comparison that is not settled, and what the account has done about it. */
export interface JudgingTask {
  taskId: bigint
  versionId: string
  domain: string
  itemHash: Hex
  roundId: bigint
  /** Seats are drawn after the round was opened; anybody may draw them. */
  drawn: boolean
  commitUntil: Date
  revealUntil: Date
  state: 'open' | 'committed' | 'revealed'
}

/**
 * The comparisons that are not settled, by id.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, listJudgingTasks } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * assert.deepEqual(await listJudgingTasks(client), []) // else [{ taskId, itemHash, commitUntil, state, … }]
 * ```
 */
export async function listJudgingTasks(client: Client): Promise<JudgingTask[]> {
  const validator = accountOf(client).toLowerCase()
  const rows = await everyPage(async (after) => (await client.ask(TASKS, { validator, after })).feedbackTasks)
  return rows.map(taskOf)
}

function taskOf(row: TaskPage['nodes'][number]): JudgingTask {
  const [judgement] = row.judgements.nodes
  return {
    ...{ taskId: BigInt(row.id), versionId: row.versionId, domain: row.domain, itemHash: row.itemHash as Hex },
    ...{ roundId: BigInt(row.roundId), drawn: row.round?.seed != null },
    commitUntil: new Date(row.commitDeadline),
    revealUntil: new Date(row.revealDeadline),
    state: judgement === undefined ? 'open' : judgement.choice === null ? 'committed' : 'revealed',
  }
}

/** A prompt and the two answers that are compared. */
export interface ComparedAnswers {
  prompt: string
  answers: [string, string]
}

/**
 * Reads what a validator compares.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, readComparison } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * const unknown = `0x${'12'.repeat(32)}` as const
 * assert.equal(await readComparison(client, unknown), undefined) // else { prompt, answers }
 * ```
 */
export async function readComparison(client: Client, itemHash: Hex): Promise<ComparedAnswers> {
  const { artifact } = await client.ask(COMPARISON, { id: itemHash })
  return artifact?.json as ComparedAnswers
}
