import type { Database, Sql } from '#schema/database.ts'
import { changesOf, digestOf } from '#schema/stateChanges.ts'
import { nextRoot, originRoot } from '#schema/stateRoot.ts'
import type { Sealed } from './seal.ts'

const EVENTS_AT_ONCE = 20_000
const ROOTS_AT_ONCE = 10_000

interface Made {
  block: number
  hash: string
  root: string
  digest: string
  changes: number
}

/** Gives an index that was begun before there were state roots the roots that it would have. Every change comes with an event. */
export async function fillRoots(db: Database, sealed: Sealed): Promise<void> {
  const id = String(sealed.chainId)
  const { rows } = await db.query(
    'select exists (select 1 from chain_event) and not exists (select 1 from state_root where id = $1) as lacking',
    [id],
  )
  if (!rows[0].lacking) return
  await db.transaction(async (sql) => {
    await sql.query('select from cursor where id = $1 for update', [id])
    await sql.query('delete from state_root')
    const made = await rootsOf(sql, sealed)
    for (let start = 0; start < made.length; start += ROOTS_AT_ONCE) {
      const some = made.slice(start, start + ROOTS_AT_ONCE)
      await sql.query(
        `insert into state_root (id, from_block, to_block, root, digest, block_hash, changes)
         select $1, u.* from unnest($2::int8[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::int4[]) as u`,
        [
          id,
          some.map(({ block }) => block),
          some.map((_, index) => made[start + index + 1]?.block ?? null),
          some.map(({ root }) => root),
          some.map(({ digest }) => digest),
          some.map(({ hash }) => hash),
          some.map(({ changes }) => changes),
        ],
      )
    }
  })
}

async function rootsOf(sql: Sql, { chainId, contracts }: Sealed): Promise<Made[]> {
  const made: Made[] = []
  let before = originRoot(chainId, contracts)
  for (let next = 0; ; ) {
    const { rows } = await sql.query(
      'select max(from_block) as last from (select from_block from chain_event where from_block >= $1 order by from_block limit $2) e',
      [next, EVENTS_AT_ONCE],
    )
    const last: number | null = rows[0].last
    if (last === null) return made
    const headers = await sql.query('select number, hash from block where number between $1 and $2', [next, last])
    const hashes = new Map<number, string>(headers.rows.map(({ number, hash }) => [number, hash]))
    for (const [block, changes] of await changesOf(sql, next, last)) {
      const digest = digestOf(changes)
      const hash = hashes.get(block)!
      before = nextRoot(before, block, hash, digest)
      made.push({ block, hash, root: before, digest, changes: changes.length })
    }
    next = last + 1
  }
}
