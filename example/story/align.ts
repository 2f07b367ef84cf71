import { JobFailedError } from '#client/index.ts'
import { meanOf, sampleVariance } from '#math/summary.ts'
import type { Alignment } from '../recipe.ts'
import { drawItems } from '../skill/items.ts'
import type { Fields } from '../skill/triage.ts'
import { utility } from '../utility.ts'
import { Checks, type StageResult, type StoryContext } from './context.ts'
import { loadOpenTasks, uploadPrompts } from './judge.ts'
import { evaluateVersion, metricOf, type ScoreInterval } from './train.ts'

export interface Aligned {
  versionId: string
  aligned: ScoreInterval
  winRateBefore: number
  winRateAfter: number
}

interface Rate {
  rate: number
  lower: number
  upper: number
}

/** Aligns by policy gradient on a reward model of the weighted reveals, and for comparison by direct preference optimisation. The measure is the
 *  validators' hidden utility on fresh prompts, which neither training has seen. */
export async function alignStage(
  context: StoryContext,
  versionId: string,
): Promise<Aligned & { stages: StageResult[] }> {
  const { api, seed, say, recipe } = context
  const promptsHash = await uploadPrompts(
    context,
    drawItems(seed, 'alignment', recipe.rlhf.promptPool).map((one) => one.prompt),
  )
  const input = ({ steps, prompts, group, beta, supervisedWeight, learningRate, method }: Alignment) => ({
    versionId,
    promptsHash,
    steps,
    prompts,
    group,
    beta,
    supervisedWeight,
    learningRate,
    method,
    seed,
  })
  const policy = await api.runJob<{ versionId: string }>(
    'rlhf',
    input(recipe.rlhf),
    `rlhf:${recipe.rlhf.method}:${versionId}`,
  )
  say(`version ${policy.versionId} aligned by ${recipe.rlhf.method}`)

  const rates =
    recipe.dpoComparison && (await winRates(context, versionId, policy.versionId, input(recipe.dpoComparison.dpo)))
  const found = await evaluateVersion(context, policy.versionId)
  const checks = new Checks()
  if (rates)
    checks.that('the win rate is above one half, and above what it was, outside the interval', clearlyAbove(rates))
  checks.that(
    'the aligned version meets the targets, is in no metric significantly worse than the live one, and serves',
    found.promoted,
  )
  const aligned = metricOf(found.metrics)
  return {
    versionId: policy.versionId,
    aligned,
    winRateBefore: rates?.before.rate ?? 0,
    winRateAfter: rates?.after.rate ?? 0,
    stages: [
      {
        name: 'align',
        ok: checks.failed.length === 0,
        facts: {
          method: recipe.rlhf.method,
          versionId: policy.versionId,
          ...(rates && {
            before: rates.before.rate,
            after: rates.after.rate,
            afterLower: rates.after.lower,
            afterUpper: rates.after.upper,
            ...(rates.direct && { dpoVersionId: rates.direct.versionId, dpo: rates.direct.rate }),
          }),
          metric: aligned.score,
          metricLower: aligned.lower,
          metricUpper: aligned.upper,
          failed: checks.failed.join('; '),
        },
      },
    ],
  }
}

/** Win rates over the version before alignment: its own, that of the policy-gradient version, and that of the direct-preference version, if there is one. */
async function winRates(context: StoryContext, versionId: string, policyId: string, dpo: object) {
  const directId = await alignDirectly(context, versionId, dpo)
  const before = await winRate(context, versionId, versionId)
  const after = await winRate(context, policyId, versionId)
  const direct = directId === null ? null : { versionId: directId, ...(await winRate(context, directId, versionId)) }
  return { before, after, direct }
}

/** @returns null when every model of the alignment was significantly worse than the version at its start: the story goes on without it. */
async function alignDirectly({ api, say }: StoryContext, versionId: string, dpo: object): Promise<string | null> {
  try {
    return (await api.runJob<{ versionId: string }>('rlhf', dpo, `rlhf:dpo:${versionId}`)).versionId
  } catch (error) {
    if (!(error instanceof JobFailedError)) throw error
    say(error.message)
    return null
  }
}

/** Whether the win rate is above one half, and its increase above zero, at the lower bounds of their 95 % intervals. */
function clearlyAbove({ before, after }: { before: Rate; after: Rate }): boolean {
  const margin = Math.hypot(after.rate - after.lower, before.rate - before.lower)
  return after.lower > 0.5 && after.rate - before.rate > margin
}

/** How often a version's answers to fresh prompts have a higher hidden utility than those of another; ties count half. With a 95 % interval over
 *  the prompts. */
async function winRate(context: StoryContext, versionId: string, againstVersionId: string): Promise<Rate> {
  const { api, seed, store } = context
  const fresh = drawItems(seed, 'fresh', context.recipe.dpoComparison?.winRatePrompts ?? 0)
  const truths = new Map<string, Fields>(fresh.map(({ prompt, truth }) => [prompt, truth]))
  const promptsHash = await uploadPrompts(
    context,
    fresh.map((one) => one.prompt),
  )
  const known = new Set((await loadOpenTasks(context, versionId)).map((task) => task.id))
  const { key } = await api.runJob<{ key: string }>(
    'compare',
    {
      versionId,
      againstVersionId,
      promptsHash,
      domain: 'fresh',
      tasks: fresh.length,
      goldPercent: 0,
      potWei: '0',
      temperature: 0.7,
      seed: seed + 1,
    },
    `fresh:${versionId}:${againstVersionId}`,
  )
  const sides = JSON.parse(new TextDecoder().decode(await store.get(key))) as {
    tasks: { versions: [string, string] }[]
  }
  const tasks = (await loadOpenTasks(context, versionId)).filter((task) => !known.has(task.id))
  const wins = tasks.map((task, index) => {
    const versions = sides.tasks[index]?.versions
    const truth = truths.get(task.prompt)
    if (!versions || !truth) throw new Error(`Task ${task.id} is not one of this comparison.`)
    const isFirst = versionId === againstVersionId || versions[0] === versionId
    const [own, other] = isFirst ? task.answers : [task.answers[1], task.answers[0]]
    const gain = utility(own, truth).overall - utility(other, truth).overall
    return gain > 0 ? 1 : gain === 0 ? 0.5 : 0
  })
  const rate = meanOf(wins)
  const margin = 1.96 * Math.sqrt(sampleVariance(wins) / wins.length)
  return { rate, lower: rate - margin, upper: rate + margin }
}
