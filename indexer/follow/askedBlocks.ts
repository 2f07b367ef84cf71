import type { Sql } from '#schema/database.ts'
import type { BlockId } from '../chain/blockRange.ts'
import type { Source } from '../chain/source.ts'
import type { GovernorFacts } from '../governors/probe.ts'
import { RpcUnavailable } from '../rpc/errors.ts'

/** The blocks as of which Governors were asked at a start. Where one was replaced, the contract is asked again: an index that starts later asks as of
 *  another block. */
export class AskedBlocks {
  private readonly blocks: ReadonlyMap<string, BlockId>
  /** Whether all of them were seen on the chain since the indexer began, or another one wrote. */
  private confirmed = false

  constructor(facts: GovernorFacts) {
    this.blocks = new Map(
      Object.entries(facts).flatMap(([governor, { askedAt, askedHash }]) =>
        askedAt == null || askedHash === undefined ? [] : [[governor, { number: askedAt, hash: askedHash }] as const],
      ),
    )
  }

  /** Whatever was seen on the chain, another indexer may have asked again since. */
  doubt() {
    this.confirmed = false
  }

  /** The Governors whose block is no longer on the chain. Blocks up to `finalBlock` stay; the node may not have others again yet, or a cache have none. */
  async replaced(source: Pick<Source, 'headers'>, finalBlock: number): Promise<string[]> {
    const open = [...this.blocks].filter(([, { number }]) => !this.confirmed || number > finalBlock)
    if (!open.length) return []
    const headers = await source.headers(open.map(([, { number }]) => number)).catch((error: unknown) => {
      if (error instanceof RpcUnavailable) return []
      throw error
    })
    this.confirmed = open.every(([, { hash }], index) => headers[index]?.hash === hash)
    return open
      .filter(([, { hash }], index) => headers[index] && headers[index].hash !== hash)
      .map(([governor]) => governor)
  }

  /** The first of the blocks as of which these Governors were asked. */
  firstOf(governors: readonly string[]): number {
    return Math.min(...governors.map((governor) => this.blocks.get(governor)?.number ?? Number.POSITIVE_INFINITY))
  }
}

/** What an earlier start asked the contracts, without what these Governors answered. */
export async function recordedFacts(sql: Sql, without: readonly string[] = []): Promise<GovernorFacts> {
  const { rows } = await sql.query('select facts - $1::text[] as facts from cursor', [without])
  return rows[0]?.facts ?? {}
}

/** Stores what the contracts answered. @param over whether in place of what is stored of the same Governors. */
export const storeFacts = (sql: Sql, chainId: number, facts: GovernorFacts, over: boolean) => {
  const stored = "coalesce(facts, '{}')"
  const next = over ? `${stored} || $2::jsonb` : `$2::jsonb || ${stored}`
  return sql.query(`update cursor set facts = ${next} where id = $1 and facts is distinct from (${next})`, [
    String(chainId),
    facts,
  ])
}
