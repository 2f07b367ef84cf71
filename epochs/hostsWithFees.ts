import type { Sql } from '#schema/database.ts'

/** The hosts of the endpoints with fees in an epoch, by the newest block, sorted. */
export async function hostsWithFees(sql: Sql, epoch: number): Promise<string[]> {
  const { rows } = await sql.query<{ host: string }>(
    `select distinct host from endpoint where to_block is null
       and id in (select endpoint_id from redemption where epoch = $1 and to_block is null) order by host`,
    [epoch],
  )
  return rows.map(({ host }) => host)
}
