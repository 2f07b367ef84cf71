import { COMMITMENT_BLOCKS, commitOrder, firstOpen } from '#rules/commitments.ts'
import { IndexBehindError } from '#schema/errors.ts'
import { Commitment, type Contribution } from '#schema/onchain/datanets.ts'
import { rowsOf } from '#schema/rows.ts'
import type { Sources } from './modelLookup.ts'

/** Contributions sorted by the order of their commitments, then by the order of submission. */
export async function inCommitOrder({ db }: Pick<Sources, 'db'>, contributions: readonly Contribution[]) {
  const ids = contributions.map((one) => `${one.commitment}-${one.contributor}`)
  const commitments = await rowsOf(db, Commitment, 'id = any($1)', [ids])
  const positions = new Map(commitments.map((one) => [one.id, one.position]))
  const positioned = contributions.map((contribution, at) => {
    const position = positions.get(ids[at] ?? '')
    if (position === undefined) throw new IndexBehindError(`Commitment ${contribution.commitment} is not indexed yet.`)
    return { contribution, committed: orderOf(position) }
  })
  return positioned.sort(
    (a, b) => Number(a.committed - b.committed) || Number(a.contribution.id) - Number(b.contribution.id),
  )
}

/** The order of the first commitment that may still be revealed; undefined when there is none. */
export async function firstOpenCommitment({ db }: Pick<Sources, 'db'>): Promise<bigint | undefined> {
  const { rows } = await db.query<{ position: string; final_block: number }>(
    `select c.position, cursor.final_block from commitment c, cursor
     where c.to_block is null and c.from_block > cursor.final_block - $1
       and not exists (
         select 1 from contribution where commitment = c.commitment and contributor = c.contributor and to_block is null)`,
    [Number(COMMITMENT_BLOCKS)],
  )
  return firstOpen(
    rows.map(({ position }) => orderOf(position)),
    BigInt(rows[0]?.final_block ?? 0),
  )
}

/** The order of a position `block-logIndex`. */
function orderOf(position: string): bigint {
  const [block = '', log = ''] = position.split('-')
  return commitOrder(BigInt(block), BigInt(log))
}
