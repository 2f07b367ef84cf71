import { parseEther } from 'viem'
import { contribute, createDatanet, wrap } from '#client/index.ts'
import { meanOf } from '#math/summary.ts'
import { contributors, type SimulatedContributor } from '../contributors.ts'
import { TRIAGE } from '../modelFolder.ts'
import { testItems } from '../skill/rubric.ts'
import { Checks, type StageResult, type StoryContext } from './context.ts'

export interface Gathered {
  datanetId: string
  people: SimulatedContributor[]
  /** The contributor of each contribution, by its id. */
  owner: Map<string, SimulatedContributor>
}

/** Contributors of different quality commit, publish and submit signed samples; another account relays their signatures. Each verdict comes
 *  only from the rules. */
export async function gatherStage(
  context: StoryContext,
  modelId: string,
): Promise<Gathered & { stages: StageResult[] }> {
  const { as, api, seed, recipe } = context
  const datanetId = await createDatanet(as('proposer'), {
    modelId: BigInt(modelId),
    licence: TRIAGE.model.licence,
    minStake: TRIAGE.model.samples.minStake,
    comparison: TRIAGE.model.samples.comparison,
  })
  const people = contributors(seed, testItems(seed, recipe.items.test), recipe.samples)
  const owner = new Map<string, SimulatedContributor>()
  for (const wave of [1, 2]) {
    for (const person of people.filter((one) => one.wave === wave)) {
      const contributor = as('contributor', person.nth)
      await wrap(contributor, parseEther('2'))
      const given = { datanetId, samples: person.samples, relay: as('challenger') }
      for (const id of (await contribute(contributor, given)).ids.values()) owner.set(id, person)
    }
    context.say(`${owner.size} samples submitted`)
  }
  await api.runJob('scoreDatanet', { datanetId: datanetId.toString() }, `score:${datanetId}`)
  return {
    datanetId: datanetId.toString(),
    people,
    owner,
    stages: [await review(context, datanetId.toString(), owner)],
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
