import { parseEther } from 'viem'
import { contribute, createDatanet, listContributions, wrap } from '#client/index.ts'
import { meanOf } from '#math/summary.ts'
import { contributors, type SimulatedContributor } from '../contributors.ts'
import { TRIAGE } from '../modelFolder.ts'
import { SCORED_AFTER } from '../recipe.ts'
import { testItems } from '../skill/rubric.ts'
import { type StageResult, type StoryContext, stageOf } from './context.ts'
import { leaveToSteward, type StewardResults } from './steward.ts'

export interface Gathered {
  datanetId: bigint
  /** The contributor of each contribution, by its id. */
  owner: Map<string, SimulatedContributor>
}

/** The proposer opens a datanet. */
export const openTriageDatanet = ({ as }: StoryContext, modelId: bigint): Promise<bigint> => {
  const { licence, samples } = TRIAGE.model
  const { minStake, comparison } = samples
  return createDatanet(as('proposer'), { modelId, licence, minStake, comparison })
}

/** All contributors, in the order in which they give: who copies can only copy what is on chain already. */
export const peopleOf = ({ seed, recipe }: StoryContext): SimulatedContributor[] =>
  contributors(seed, testItems(seed, recipe.items.test), recipe.samples).sort((a, b) => a.wave - b.wave)

/** Contributors commit, publish and submit signed samples; another account relays their signatures. */
export async function giveSamples(
  { as, say }: StoryContext,
  people: SimulatedContributor[],
  { datanetId, owner }: Gathered,
) {
  for (const person of people) {
    const contributor = as('contributor', person.nth)
    await wrap(contributor, parseEther('2'))
    const { ids } = await contribute(contributor, { datanetId, samples: person.samples, relay: as('challenger') })
    for (const id of ids.values()) owner.set(id, person)
  }
  say(`${owner.size} samples submitted`)
}

/** Contributors of different quality give samples; each verdict comes only from the rules. The first of them is alone: the steward trains a version on so little,
 *  and a better one on what all have given. */
export async function gatherStage(
  context: StoryContext,
  modelId: bigint,
): Promise<Gathered & { done: StewardResults; stage: StageResult }> {
  const gathered: Gathered = { datanetId: await openTriageDatanet(context, modelId), owner: new Map() }
  const people = peopleOf(context)
  const scored = async (some: SimulatedContributor[]) => {
    await giveSamples(context, some, gathered)
    await context.clock.pass(SCORED_AFTER)
    return leaveToSteward(context, modelId)
  }
  await scored(people.slice(0, 1))
  const done = await scored(people.slice(1))
  return { ...gathered, done, stage: await review(context, gathered) }
}

async function review({ as }: StoryContext, { datanetId, owner }: Gathered): Promise<StageResult> {
  const people = new Set(owner.values())
  const rows = (
    await Promise.all([...people].map(({ nth }) => listContributions(as('contributor', nth), { datanetId })))
  ).flat()
  const of = (behaviour: string) => rows.filter(({ id }) => owner.get(id)?.behaviour === behaviour)
  const accepted = (some: typeof rows) => some.filter(({ status }) => status === 'Accepted').length
  const unique = (some: typeof rows) => meanOf(some.map(({ uniqueness }) => uniqueness ?? 0)) / 1e6
  return stageOf(
    'gather',
    {
      samples: rows.length,
      contributors: people.size,
      accepted: accepted(rows),
      rejected: rows.length - accepted(rows),
      duplicateAccepted: accepted(of('duplicating')),
      duplicateUniqueness: Number(unique(of('duplicating')).toFixed(3)),
    },
    {
      'at least 600 samples': rows.length >= 600,
      'at least 12 contributors': people.size >= 12,
      'every sample has its verdict': rows.every(({ status }) => status !== 'Submitted'),
      'copies are less unique than originals': unique(of('duplicating')) < unique(of('excellent')) / 2,
    },
  )
}
