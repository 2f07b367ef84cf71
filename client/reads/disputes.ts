import { type DisputeSubject, GROUNDS } from '#rules/dispute.ts'
import type { Client } from '../client.ts'
import { ApiRefusal } from '../errors.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'
import { everyPage } from './everyPage.ts'

const OPEN = graphql(`
  query ($after: String) {
    disputes(where: { outcome: { eq: Open } }, first: 200, after: $after, orderBy: [{ field: id, direction: asc }]) {
      nodes { id subject subjectId challenger bond evidenceHash verdict effectiveAt openedAt }
      pageInfo { hasNextPage endCursor }
    }
  }`)
const EVIDENCE = graphql('query ($id: ID!) { artifact(id: $id) { json } }')

type Found = ResultOf<typeof OPEN>['disputes']['nodes'][number]

/** A dispute that is not decided for good. */
export interface OpenDispute {
  id: string
  subject: DisputeSubject
  subjectId: string
  /** As the challenger states it; null when that cannot be read, or is no ground of the subject. */
  ground: string | null
  challenger: string
  /** In wei of gOPEN. */
  bond: bigint
  /** `ruled` is the verdict of a resolver, which is in force from `effectiveAt` on, unless the timelock decides before. */
  state: 'undecided' | 'ruled upheld' | 'ruled rejected'
  effectiveAt: string | null
  /** When the bond goes back if nobody decides; null when there is a verdict, and of a reward map, which waits for a vote. */
  lapsesAt: string | null
}

/** Disputes whose evidence is read at once. */
const READS = 20

/**
 * The open disputes, by id.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, listDisputes } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * assert.deepEqual(await listDisputes(client), []) // else [{ subject, subjectId, ground, state, lapsesAt, … }]
 * ```
 */
export async function listDisputes(client: Client): Promise<OpenDispute[]> {
  const [rows, term] = await Promise.all([
    everyPage(async (after) => (await client.ask(OPEN, { after })).disputes),
    client.read('Disputes', 'term', []),
  ])
  const found: OpenDispute[] = []
  for (let start = 0; start < rows.length; start += READS)
    found.push(...(await Promise.all(rows.slice(start, start + READS).map((row) => openDispute(client, row, term)))))
  return found
}

async function openDispute(client: Client, row: Found, term: bigint): Promise<OpenDispute> {
  const { id, subject, subjectId, challenger, verdict, effectiveAt } = row
  const lapses = verdict === null && subject !== 'RewardMap'
  return {
    ...{ id, subject, subjectId, ground: await statedGround(client, row), challenger, bond: BigInt(row.bond) },
    state: verdict === null ? 'undecided' : verdict === 'Upheld' ? 'ruled upheld' : 'ruled rejected',
    effectiveAt,
    lapsesAt: lapses ? new Date(Date.parse(row.openedAt) + Number(term) * 1000).toISOString() : null,
  }
}

/** What strangers publish may be anything, also what the API does not show. */
async function statedGround(client: Client, { subject, evidenceHash }: Found): Promise<string | null> {
  const answer = await client.ask(EVIDENCE, { id: evidenceHash }).catch((error) => {
    if (error instanceof ApiRefusal) return null
    throw error
  })
  const { ground } = (answer?.artifact?.json ?? {}) as { ground?: unknown }
  return typeof ground === 'string' && Object.hasOwn(GROUNDS[subject], ground) ? ground : null
}
