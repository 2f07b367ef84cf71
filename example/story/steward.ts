import { graphql, type ResultOf, waitForSteward } from '#client/index.ts'
import type { StoryContext } from './context.ts'

const STEPS = graphql(`
  query ($model: ID!) {
    stewardSteps(where: { modelId: { eq: $model }, jobId: { isNull: false } }, first: 200, orderBy: [{ field: decidedAt, direction: asc }]) {
      nodes { name job { result } }
    }
  }`)

type StepName = ResultOf<typeof STEPS>['stewardSteps']['nodes'][number]['name']

/** Lets the steward do all that is due now. @returns the results of its jobs of a kind of step, oldest first. */
export async function leaveToSteward({ as }: Pick<StoryContext, 'as'>, modelId: bigint) {
  const anyone = as('challenger')
  await waitForSteward(anyone, modelId)
  const { nodes } = (await anyone.ask(STEPS, { model: modelId.toString() })).stewardSteps
  return <Result>(name: StepName): Result[] =>
    nodes.filter((one) => one.name === name).map(({ job }) => job?.result as Result)
}

/** The steward's results, by the name of the step. */
export type StewardResults = Awaited<ReturnType<typeof leaveToSteward>>

export interface ScoreInterval {
  name: string
  score: number
  lower: number
  upper: number
}

/** The result of the steps `evaluate` and `promote`. */
export interface Evaluated {
  versionId: string
  metrics: ScoreInterval[]
  base?: ScoreInterval[]
  promoted: boolean
  missed: string[]
}

/** The main metric of an evaluation. */
export function metricOf(metrics: ScoreInterval[] | undefined): ScoreInterval {
  const found = metrics?.find(({ name }) => name === 'fieldsExact')
  if (!found) throw new Error('The evaluation has no metric fieldsExact.')
  return found
}
