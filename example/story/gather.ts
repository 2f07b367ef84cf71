import { keccak256, parseEther, stringToBytes } from 'viem'
import { meanOf } from '#math/summary.ts'
import { canonicalSample, commitment, contentHash, contentsHash, type PromptCompletion } from '#rules/sample.ts'
import { COMPARISONS } from '#rules/shingles.ts'
import { contributionData } from '#rules/signing.ts'
import { exampleAccount } from '../accounts.ts'
import { contributors, type SimulatedContributor } from '../contributors.ts'
import { testItems } from '../skill/rubric.ts'
import { eventOf } from './chain.ts'
import { approve, Checks, type StageResult, type StoryContext, wrap } from './context.ts'

const STAKE = parseEther('0.01')
const BATCH = 40
/** In seconds: a time in the far future. */
const DEADLINE = 4_000_000_000n

export interface Gathered {
  datanetId: string
  people: SimulatedContributor[]
  /** The contributor of each contribution, by its id. */
  owner: Map<string, SimulatedContributor>
}

interface SubmissionBatch {
  person: SimulatedContributor
  hashes: `0x${string}`[]
  salt: `0x${string}`
}

/** Contributors of different quality commit, publish and submit signed samples; another account relays their signatures. Each verdict comes
 *  only from the rules. */
export async function gatherStage(
  context: StoryContext,
  modelId: string,
): Promise<Gathered & { stages: StageResult[] }> {
  const { chain, api, seed, recipe } = context
  const opened = await chain.send(exampleAccount('proposer'), 'DatanetRegistry', 'createDatanet', [
    BigInt(modelId),
    'CC-BY-4.0',
    STAKE,
    COMPARISONS.indexOf('prose'),
  ])
  const { datanetId } = eventOf(opened, 'DatanetRegistry', 'DatanetCreated').args
  const people = contributors(seed, testItems(seed, recipe.items.test), recipe.samples)
  const owner = new Map<string, SimulatedContributor>()
  let last = 0n
  for (const wave of [1, 2]) {
    const lots = people.filter((person) => person.wave === wave).flatMap((person) => submissionBatches(context, person))
    for (const { person, hashes, salt } of lots) {
      const contributor = exampleAccount('contributor', person.nth).address
      const hidden = commitment({ datanetId, contributor, contentsHash: contentsHash(hashes), salt })
      await chain.send(exampleAccount('challenger'), 'DatanetRegistry', 'commit', [hidden, contributor])
    }
    for (const person of people.filter((one) => one.wave === wave)) {
      await wrap(context, 'contributor', person.nth, parseEther('2'))
      await approve(context, 'contributor', person.nth, 'DatanetRegistry', parseEther('2'))
      await publish(context, person.samples)
    }
    for (const lot of lots) {
      const { firstId, block } = await submit(context, datanetId, lot)
      for (const place of lot.hashes.keys()) owner.set((firstId + BigInt(place)).toString(), lot.person)
      last = block
    }
    context.say(`${owner.size} samples submitted`)
  }
  await api.waitUntilIndexed(last)
  await api.runJob('scoreDatanet', { datanetId: datanetId.toString() }, `score:${datanetId}`)
  return {
    datanetId: datanetId.toString(),
    people,
    owner,
    stages: [await review(context, datanetId.toString(), owner)],
  }
}

/** The samples of a contributor, in batches that fit into a transaction. Two samples with the same canonical form are sent once. */
function submissionBatches({ seed }: StoryContext, person: SimulatedContributor): SubmissionBatch[] {
  const hashes = [...new Set(person.samples.map((sample) => contentHash(sample)))]
  const lots: SubmissionBatch[] = []
  for (let start = 0; start < hashes.length; start += BATCH)
    lots.push({
      person,
      hashes: hashes.slice(start, start + BATCH),
      salt: keccak256(stringToBytes(`${seed}/${person.name}/${start}`)),
    })
  return lots
}

/** Publishes samples, eight at a time. */
async function publish({ api }: StoryContext, samples: PromptCompletion[]): Promise<void> {
  const left = [...samples]
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let sample = left.pop(); sample; sample = left.pop()) await api.upload(canonicalSample(sample), 'sample')
    }),
  )
}

async function submit(
  { chain }: StoryContext,
  datanetId: bigint,
  { person, hashes, salt }: SubmissionBatch,
): Promise<{ firstId: bigint; block: bigint }> {
  const account = exampleAccount('contributor', person.nth)
  const nonce = await chain.read('DatanetRegistry', 'nonces', [account.address])
  const signature = await account.signTypedData(
    contributionData(
      { chainId: chain.chainId, contract: chain.addresses.DatanetRegistry },
      {
        datanetId,
        contributor: account.address,
        contentsHash: contentsHash(hashes),
        stakeEach: STAKE,
        nonce,
        deadline: DEADLINE,
      },
    ),
  )
  const mined = await chain.send(exampleAccount('challenger'), 'DatanetRegistry', 'submit', [
    datanetId,
    account.address,
    hashes,
    STAKE,
    salt,
    DEADLINE,
    signature,
  ])
  return {
    firstId: eventOf(mined, 'DatanetRegistry', 'ContributionSubmitted').args.contributionId,
    block: mined.blockNumber,
  }
}

interface ContributionRow {
  id: string
  status: string
  uniqueness: number | null
}

/** All contributions of a datanet. */
export async function contributionsOf({ api }: StoryContext, datanetId: string): Promise<ContributionRow[]> {
  interface Page {
    contributions: { nodes: ContributionRow[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } }
  }
  const rows: ContributionRow[] = []
  let after: string | null = null
  do {
    const page: Page = await api.query<Page>(
      `query ($id: ID!, $after: String) {
        contributions(where: { datanetId: { eq: $id } }, first: 500, after: $after) { nodes { id status uniqueness } pageInfo { hasNextPage endCursor } }
      }`,
      { id: datanetId, after },
    )
    rows.push(...page.contributions.nodes)
    after = page.contributions.pageInfo.hasNextPage ? page.contributions.pageInfo.endCursor : null
  } while (after !== null)
  return rows
}

async function review(
  context: StoryContext,
  datanetId: string,
  owner: Map<string, SimulatedContributor>,
): Promise<StageResult> {
  const rows = await contributionsOf(context, datanetId)
  const of = (behaviour: string) => rows.filter((row) => owner.get(row.id)?.behaviour === behaviour)
  const accepted = (some: ContributionRow[]) => some.filter((row) => row.status === 'Accepted').length
  const unique = (some: ContributionRow[]) => meanOf(some.map((row) => row.uniqueness ?? 0)) / 1e6
  const checks = new Checks()
  checks.that('at least 600 samples', rows.length >= 600)
  checks.that('at least 12 contributors', new Set([...owner.values()].map((one) => one.name)).size >= 12)
  checks.that(
    'every sample has its verdict',
    rows.every((row) => row.status !== 'Submitted'),
  )
  checks.that('copies are less unique than originals', unique(of('duplicating')) < unique(of('excellent')) / 2)
  return {
    name: 'gather',
    ok: checks.failed.length === 0,
    facts: {
      samples: rows.length,
      contributors: new Set([...owner.values()].map((one) => one.name)).size,
      accepted: accepted(rows),
      rejected: rows.length - accepted(rows),
      duplicateAccepted: accepted(of('duplicating')),
      duplicateUniqueness: Number(unique(of('duplicating')).toFixed(3)),
      failed: checks.failed.join('; '),
    },
  }
}
