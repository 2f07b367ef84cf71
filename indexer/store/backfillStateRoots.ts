import type { Database, Sql } from '#schema/database.ts'
import { changesOf, digestOf } from '#schema/stateChanges.ts'
import { nextRoot, originRoot } from '#schema/stateRoot.ts'
import type { IndexIdentity } from './stateRoots.ts'

const EVENTS_PER_QUERY = 20_000
const ROOTS_PER_INSERT = 10_000

interface BlockRoot {
  block: number
  hash: string
  root: string
  digest: string
  changes: number
}

/** Computes the state roots of an index that was created before state roots existed. Only blocks with events have changes. */
export async function backfillStateRoots(db: Database, index: IndexIdentity): Promise<void> {
  const id = String(index.chainId)
  const { rows } = await db.query(
    'select exists (select 1 from chain_event) and not exists (select 1 from state_root where id = $1) as missing',
    [id],
  )
  if (!rows[0].missing) return
  await db.transaction(async (sql) => {
    await sql.query('select from cursor where id = $1 for update', [id])
    await sql.query('delete from state_root')
    const roots = await rootsOf(sql, index)
    for (let start = 0; start < roots.length; start += ROOTS_PER_INSERT) {
      const some = roots.slice(start, start + ROOTS_PER_INSERT)
      await sql.query(
        `insert into state_root (id, from_block, to_block, root, digest, block_hash, changes)
         select $1, u.* from unnest($2::int8[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::int4[]) as u`,
        [
          id,
          some.map(({ block }) => block),
          some.map((_, index) => roots[start + index + 1]?.block ?? null),
          some.map(({ root }) => root),
          some.map(({ digest }) => digest),
          some.map(({ hash }) => hash),
          some.map(({ changes }) => changes),
        ],
      )
    }
  })
}

async function rootsOf(sql: Sql, { chainId, contracts }: IndexIdentity): Promise<BlockRoot[]> {
  const roots: BlockRoot[] = []
  let before = originRoot(chainId, contracts)
  for (let next = 0; ; ) {
    const { rows } = await sql.query(
      'select max(from_block) as last from (select from_block from chain_event where from_block >= $1 order by from_block limit $2) e',
      [next, EVENTS_PER_QUERY],
    )
    const last: number | null = rows[0].last
    if (last === null) return roots
    const headers = await sql.query('select number, hash from block where number between $1 and $2', [next, last])
    const hashes = new Map<number, string>(headers.rows.map(({ number, hash }) => [number, hash]))
    for (const [block, changes] of await changesOf(sql, next, last)) {
      const digest = digestOf(changes)
      const hash = hashes.get(block)
      if (!hash) throw new Error(`Block ${block} has changes, but is not stored`)
      before = nextRoot(before, block, hash, digest)
      roots.push({ block, hash, root: before, digest, changes: changes.length })
    }
    next = last + 1
  }
}
