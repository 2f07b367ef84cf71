import type { Hex } from 'viem'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { ApiRefusal } from '../errors.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'
import { everyPage } from './everyPage.ts'

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

/**
 * The contributions of an account, with their verdicts and the reasons.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, listContributions } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const rows = await listContributions(client, { datanetId: 99n })
 * assert.deepEqual(rows, []) // else [{ id, status, reason, quality, stake, … }]
 * ```
 */
export async function listContributions(
  client: Client,
  { datanetId, contributor, hashes, staked }: Selection = {},
): Promise<ContributionRow[]> {
  const where = {
    contributor: { eq: (contributor ?? accountOf(client)).toLowerCase() },
    ...(datanetId !== undefined && { datanetId: { eq: datanetId.toString() } }),
    ...(staked && { stake: { gt: '0' } }),
    ...(hashes && { contentHash: { in: [...hashes] } }),
  }
  return everyPage(async (after) => (await client.ask(PAGE, { where, after })).contributions)
}

const EARNED = graphql(`
  query ($account: String!, $sources: [String!]!) {
    rewardLines(where: { account: { eq: $account }, source: { in: $sources }, map: { status: { eq: Published } } }) {
      aggregate { groupBy(by: [{ field: source }], first: 1000) { key { source } values { amount { sum } } } }
    }
  }`)

const IDS_AT_ONCE = 1000

/**
 * What contributions of an account have earned in all published epochs, by their ids, in wei; one that has earned nothing is absent.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, contributionEarnings } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const earned = await contributionEarnings(client, ['1', '2'])
 * assert.equal(earned.get('1') ?? 0n, 0n)
 * ```
 */
export async function contributionEarnings(
  client: Client,
  ids: readonly string[],
  contributor: string = accountOf(client),
): Promise<ReadonlyMap<string, bigint>> {
  const earned = new Map<string, bigint>()
  for (let start = 0; start < ids.length; start += IDS_AT_ONCE) {
    const sources = ids.slice(start, start + IDS_AT_ONCE).map((id) => `contribution:${id}`)
    const { rewardLines } = await client.ask(EARNED, { account: contributor.toLowerCase(), sources })
    for (const { key, values } of rewardLines.aggregate.groupBy)
      earned.set((key.source ?? '').slice('contribution:'.length), BigInt(values.amount.sum ?? 0))
  }
  return earned
}

const SAMPLES = graphql(`
  query ($hashes: [ID!]!) { artifacts(where: { id: { in: $hashes } }, first: 20) { nodes { id json } } }`)

/** As many as `SAMPLES` asks for. */
const SAMPLES_AT_ONCE = 20

/**
 * The prompts of samples, by their content hashes; one that the API does not show, as it was taken down, is absent.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, samplePrompts } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * const unknown = `0x${'12'.repeat(32)}`
 * assert.equal((await samplePrompts(client, [unknown])).get(unknown), undefined)
 * ```
 */
export async function samplePrompts(client: Client, hashes: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const prompts = new Map<string, string>()
  for (let start = 0; start < hashes.length; start += SAMPLES_AT_ONCE)
    for (const { id, json } of await shownSamples(client, hashes.slice(start, start + SAMPLES_AT_ONCE))) {
      const { prompt } = (json ?? {}) as { prompt?: unknown }
      if (typeof prompt === 'string') prompts.set(id, prompt)
    }
  return prompts
}

/** The API refuses an answer with a sample that was taken down: then each is asked for alone. */
async function shownSamples(client: Client, hashes: string[]): Promise<ResultOf<typeof SAMPLES>['artifacts']['nodes']> {
  try {
    return (await client.ask(SAMPLES, { hashes })).artifacts.nodes
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error
    if (hashes.length === 1) return []
    return (await Promise.all(hashes.map((hash) => shownSamples(client, [hash])))).flat()
  }
}

/**
 * Of these content hashes, the contributions that the account has given to a datanet.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, contentHash, contributedHashes } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const hash = contentHash({ prompt: 'Where is it?', completion: 'We look.' })
 * const given = await contributedHashes(client, { datanetId: 99n, hashes: [hash] })
 * assert.equal(given.get(hash), undefined) // else the id of the contribution
 * ```
 */
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
