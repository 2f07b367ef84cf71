import type { Hex } from 'viem'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'

const PAGE = graphql(`
  query ($where: ContributionWhere!, $after: String) {
    contributions(where: $where, first: 500, after: $after, orderBy: [{ field: id, direction: asc }]) {
      nodes { id datanetId contentHash status reason quality uniqueness stake forfeited slashed submittedAt }
      pageInfo { hasNextPage endCursor }
    }
  }`)

/** A contribution with its verdict. */
export type ContributionRow = ResultOf<typeof PAGE>['contributions']['nodes'][number]

const HASHES_AT_ONCE = 200

interface Selection {
  datanetId?: bigint
  /** Default: the client's account. */
  contributor?: string
  hashes?: readonly Hex[]
  /** Only those with a stake. */
  staked?: boolean
}

/** The contributions of an account, with their verdicts and the reasons. */
export async function listContributions(client: Client, { datanetId, contributor, hashes, staked }: Selection = {}) {
  const rows: ContributionRow[] = []
  const where = {
    contributor: { eq: (contributor ?? accountOf(client)).toLowerCase() },
    ...(datanetId !== undefined && { datanetId: { eq: datanetId.toString() } }),
    ...(staked && { stake: { gt: '0' } }),
    ...(hashes && { contentHash: { in: [...hashes] } }),
  }
  for (let after: string | null = null; ; ) {
    const { contributions: page }: ResultOf<typeof PAGE> = await client.ask(PAGE, { where, after })
    rows.push(...page.nodes)
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
    if (after === null) return rows
  }
}

/** Of these content hashes, the contributions that the account has given to a datanet. */
export async function contributedHashes(
  client: Client,
  { datanetId, hashes }: { datanetId: bigint; hashes: readonly Hex[] },
): Promise<ReadonlyMap<Hex, string>> {
  const found = new Map<Hex, string>()
  for (let start = 0; start < hashes.length; start += HASHES_AT_ONCE) {
    const some = hashes.slice(start, start + HASHES_AT_ONCE)
    for (const { contentHash, id } of await listContributions(client, { datanetId, hashes: some }))
      found.set(contentHash as Hex, id)
  }
  return found
}
