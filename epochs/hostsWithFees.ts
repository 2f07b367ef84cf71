import type { Sql } from '#schema/database.ts'

/** The hosts of the endpoints with fees in an epoch, by the newest block. Those with the most fees come first, so that nobody takes the room of their usage
 *  documents with many hosts that earn nothing. */
export async function hostsWithFees(sql: Sql, epoch: number): Promise<string[]> {
  const { rows } = await sql.query<{ host: string }>(
    `select host from endpoint join redemption on endpoint_id = endpoint.id and epoch = $1 and redemption.to_block is null
     where endpoint.to_block is null group by host order by sum(amount) desc, host`,
    [epoch],
  )
  return rows.map(({ host }) => host)
}
