import type { Database, Sql } from '#schema/database.ts'
import { auditStateRoots, changesOf, firstWrongRoot, rootAt, type StateRowChange } from '#schema/stateChanges.ts'
import { originRoot } from '#schema/stateRoot.ts'

/** An index that can be compared with another one by its state roots. */
export interface ComparableIndex {
  /** The block before the first one that it may have rows of. */
  base(): Promise<number>
  /** The chain, and the last block that is indexed. */
  head(): Promise<{ chainId: number; block: number }>
  /** The root as of a block. */
  root(block: number): Promise<string>
  /** The changes of a block, computed from the rows, and the block's hash if there are any. */
  changes(block: number): Promise<{ hash: string | null; changes: Omit<StateRowChange, 'text'>[] }>
  /** Digests computed again from the rows, range by range, up to a block. */
  digests(to: number): AsyncGenerator<{ to: number; digests: Map<number, string> }>
}

/** The first difference between two indexes. */
export interface IndexDifference {
  block: number
  /** The first row that differs; indexes of different forks or deployments may have none. */
  table?: string
  id?: string
  column?: string
  says: string
}

export interface IndexComparison {
  /** The last block that was compared. */
  block: number
  /** Our root at that block. */
  root: string
  difference: IndexDifference | null
}

export const databaseIndex = (
  sql: Sql,
  chainId: number,
  contracts: Readonly<Record<string, string>>,
): ComparableIndex => ({
  base: async () => (await sql.query('select min(number) as base from block')).rows[0].base,
  async head() {
    const { rows } = await sql.query('select block from cursor where id = $1', [String(chainId)])
    return { chainId, block: rows[0].block }
  },
  root: async (block) => (await rootAt(sql, chainId, block))?.root ?? originRoot(chainId, contracts),
  async changes(block) {
    const stored = await rootAt(sql, chainId, block)
    const changes = (await changesOf(sql, block, block)).get(block) ?? []
    return { hash: stored?.block === block ? stored.hash : null, changes }
  },
  digests: (to) => auditStateRoots(sql, chainId, 0, to),
})

/** @throws Error that says what to do when no ModelCommons API answers at `url`. */
export function apiIndex(url: string): ComparableIndex {
  const endpoint = /\/graphql\/?$/.test(url) ? url : `${url.replace(/\/$/, '')}/graphql`
  // biome-ignore lint/suspicious/noExplicitAny: each query has its own shape
  async function ask(query: string, variables: object = {}): Promise<any> {
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    }
    const answer = await fetch(endpoint, request).then(
      async (response) => (await response.json()) as { data?: unknown; errors?: { message: string }[] },
      (cause: Error) => {
        throw new Error(`--against: no API answers at ${endpoint} (${cause.message}). Correct the address.`, { cause })
      },
    )
    if (answer.errors || !answer.data)
      throw new Error(`--against: ${endpoint} refused: ${answer.errors?.[0]?.message ?? 'no data'}`)
    return answer.data
  }
  return {
    base: async () =>
      (await ask('{ blocks(first: 1, orderBy: [{ field: number }]) { nodes { number } } }')).blocks.nodes[0]?.number,
    head: async () => (await ask('{ _meta { chainId block } }'))._meta,
    root: async (block) =>
      (await ask('query ($block: Int!) { _meta(asOf: { block: $block }) { stateRoot } }', { block }))._meta.stateRoot,
    async changes(block) {
      const { stateChanges, _meta } = await ask(
        'query ($block: Int!) { stateChanges(block: $block) { kind table id fromBlock values } _meta(asOf: { block: $block }) { hash } }',
        { block },
      )
      return { hash: _meta.hash, changes: stateChanges }
    },
    async *digests(to) {
      for (let from = 0; from <= to; ) {
        const { stateDigests } = await ask(
          'query ($from: Int!, $to: Int!) { stateDigests(from: $from, to: $to) { to digests { block digest } } }',
          { from, to },
        )
        const digests = stateDigests.digests.map(({ block, digest }: { block: number; digest: string }) => [
          block,
          digest,
        ])
        yield { to: stateDigests.to, digests: new Map(digests) }
        from = stateDigests.to + 1
      }
    },
  }
}

/** Compares our index with another one up to the last block that both have: first our rows with our roots, then the roots by bisection
 *  (each depends on all before it), then the other's rows with its roots. */
export async function compareIndexes(
  db: Database,
  chainId: number,
  contracts: Readonly<Record<string, string>>,
  other: ComparableIndex,
): Promise<IndexComparison> {
  return db.transaction(async (sql) => {
    const ours = databaseIndex(sql, chainId, contracts)
    const [here, there] = [await ours.head(), await other.head()]
    if (there.chainId !== chainId)
      throw new Error(
        `The other index is of chain ${there.chainId}, ours of chain ${chainId}. Compare indexes of the same chain.`,
      )
    const block = Math.min(here.block, there.block)
    const unfounded = await firstWrongRoot(sql, chainId, contracts, block)
    const bound = unfounded === undefined ? block : unfounded - 1
    const first =
      (await firstDifferentRoot(ours, other, bound)) ?? unfounded ?? (await firstDifferentRows(ours, other, block))
    const difference = first === undefined ? null : await differenceAt(ours, other, first)
    return { block, root: await ours.root(block), difference }
  }, 'repeatable read')
}

/** The first block up to `bound` at which the roots differ. */
async function firstDifferentRoot(
  ours: ComparableIndex,
  other: ComparableIndex,
  bound: number,
): Promise<number | undefined> {
  const differ = async (block: number) => (await ours.root(block)) !== (await other.root(block))
  if (bound < 0 || !(await differ(bound))) return undefined
  let [equal, different] = [-1, bound]
  while (different - equal > 1) {
    const middle = Math.floor((equal + different) / 2)
    if (await differ(middle)) different = middle
    else equal = middle
  }
  return different
}

/** The first block whose digests differ although the roots do not: then the rows of one index do not match its roots. */
async function firstDifferentRows(
  ours: ComparableIndex,
  other: ComparableIndex,
  to: number,
): Promise<number | undefined> {
  const mine = new Map<number, string>()
  for await (const { digests } of ours.digests(to)) for (const [block, digest] of digests) mine.set(block, digest)
  for await (const { to: end, digests } of other.digests(to)) {
    const differing = [...digests].filter(([block, digest]) => mine.get(block) !== digest).map(([block]) => block)
    for (const block of mine.keys()) {
      if (block > end) continue
      if (!digests.has(block)) differing.push(block)
      mine.delete(block)
    }
    if (differing.length) return Math.min(...differing)
  }
  return undefined
}

const nameOf = ({ kind, table, id, fromBlock }: Omit<StateRowChange, 'text'>) =>
  JSON.stringify([table, id, fromBlock, kind])

async function differenceAt(ours: ComparableIndex, other: ComparableIndex, block: number): Promise<IndexDifference> {
  const [base, theirBase] = [await ours.base(), await other.base()]
  if (base !== theirBase)
    return {
      block,
      says: `the indexes begin at different blocks: ${base + 1} here, ${theirBase + 1} there. Index with the same start block to compare them`,
    }
  const [here, there] = [await ours.changes(block), await other.changes(block)]
  if (here.hash && there.hash && here.hash !== there.hash)
    return { block, says: `the indexes follow different forks: ${here.hash} here, ${there.hash} there` }
  const theirs = new Map(there.changes.map((change) => [nameOf(change), change]))
  for (const change of here.changes.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) {
    const { kind, table, id } = change
    const twin = theirs.get(nameOf(change))
    theirs.delete(nameOf(change))
    if (!twin) return { block, table, id, says: `a version ${kind} at block ${block} exists only here` }
    for (const column of new Set([...Object.keys(change.values ?? {}), ...Object.keys(twin.values ?? {})])) {
      const [value, theirValue] = [change.values?.[column], twin.values?.[column]].map((one) => JSON.stringify(one))
      if (value !== theirValue) return { block, table, id, column, says: `${value} here, ${theirValue} there` }
    }
  }
  const [only] = theirs.values()
  if (only)
    return { block, table: only.table, id: only.id, says: `a version ${only.kind} at block ${block} exists only there` }
  return {
    block,
    says: 'the rows are the same, but the roots differ: a root was altered, or the indexes are of different deployments',
  }
}
