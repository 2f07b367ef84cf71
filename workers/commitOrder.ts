import { commitOrder } from '#rules/quality.ts'
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
    const [block, log] = positions.get(ids[at] ?? '')?.split('-') ?? []
    if (block === undefined || log === undefined)
      throw new IndexBehindError(`Commitment ${contribution.commitment} is not indexed yet.`)
    return { contribution, committed: commitOrder(BigInt(block), BigInt(log)) }
  })
  return positioned.sort(
    (a, b) => Number(a.committed - b.committed) || Number(a.contribution.id) - Number(b.contribution.id),
  )
}
