import type { Client } from '../client.ts'
import { graphql } from '../graphql/document.ts'

const DELETE = graphql(`
  mutation ($ids: [ID!], $before: DateTimeISO, $key: String!) {
    deleteTexts(ids: $ids, before: $before, idempotencyKey: $key) { deleted kept hasMore }
  }`)

export interface TextDeletion {
  /** Of how many calls prompt and answer were deleted now. */
  deleted: number
  /** Calls whose texts stay for now: under way, or opened and evidence of rewards. */
  kept: string[]
}

/**
 * Deletes prompts and answers of own calls, those named or all that ended before a time, by the client’s API key. Their receipts stay.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, deleteTexts } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * assert.deepEqual(await deleteTexts(client, { before: new Date('2020-01-01') }), { deleted: 0, kept: [] })
 * ```
 */
export async function deleteTexts(client: Client, calls: { ids: string[] } | { before: Date }): Promise<TextDeletion> {
  const given = 'ids' in calls ? { ids: calls.ids } : { before: calls.before.toISOString() }
  const kept = new Set<string>()
  for (let deleted = 0; ; ) {
    const { deleteTexts: part } = await client.ask(DELETE, { ...given, key: 'delete texts' })
    deleted += part.deleted
    for (const id of part.kept) kept.add(id)
    if (!part.hasMore) return { deleted, kept: [...kept] }
  }
}
