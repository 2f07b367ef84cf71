import { DPO, RLHF, WIN_RATE_PROMPTS } from '../recipe.ts'
import { drawItems } from '../skill/items.ts'
import type { Fields } from '../skill/triage.ts'
import { utility } from '../utility.ts'
import { openTasks, uploadPrompts } from './judge.ts'
import { evaluate, type Metric, metricOf } from './train.ts'
import { Checks, type Stage, type World } from './world.ts'

export interface Aligned {
  versionId: string
  aligned: Metric
  winRateBefore: number
  winRateAfter: number
}

interface Rate {
  rate: number
  lower: number
  upper: number
}

/** Policy-gradient alignment on a reward model of the weighted reveals, direct preferences beside it. What counts is the validators' hidden
 *  utility on fresh prompts, which neither training has seen. */
export async function align(world: World, versionId: string): Promise<Aligned & { stages: Stage[] }> {
  const { api, seed, say } = world
  const practice = await uploadPrompts(
    world,
    drawItems(seed, 'alignment', RLHF.practice).map((one) => one.prompt),
  )
  const input = ({ steps, prompts, group, beta, learningRate, method }: typeof RLHF | typeof DPO) => ({
    versionId,
    promptsHash: practice,
    steps,
    prompts,
    group,
    beta,
    learningRate,
    method,
    seed,
  })
  const policy = await api.run<{ versionId: string }>('rlhf', input(RLHF), `rlhf:${RLHF.method}:${versionId}`)
  say(`version ${policy.versionId} aligned by ${RLHF.method}`)
  const direct = await api.run<{ versionId: string }>('rlhf', input(DPO), `rlhf:dpo:${versionId}`)

  const before = await winRate(world, versionId, versionId)
  const after = await winRate(world, policy.versionId, versionId)
  const beside = await winRate(world, direct.versionId, versionId)
  const found = await evaluate(world, policy.versionId)
  const checks = new Checks()
  checks.that('the win rate rises outside its interval', after.lower > Math.max(0.5, before.upper))
  checks.that('the aligned version meets the targets and serves', found.promoted)
  return {
    versionId: policy.versionId,
    aligned: metricOf(found.metrics),
    winRateBefore: before.rate,
    winRateAfter: after.rate,
    stages: [
      {
        name: 'align',
        ok: checks.failed.length === 0,
        facts: {
          method: RLHF.method,
          versionId: policy.versionId,
          before: before.rate,
          after: after.rate,
          afterLower: after.lower,
          afterUpper: after.upper,
          dpoVersionId: direct.versionId,
          dpo: beside.rate,
          metric: metricOf(found.metrics).score,
          failed: checks.failed.join('; '),
        },
      },
    ],
  }
}

/** How often a version's answers to fresh prompts beat another's by the hidden utility; ties count half. 95 % interval over prompts. */
async function winRate(world: World, versionId: string, againstVersionId: string): Promise<Rate> {
  const { api, seed, store } = world
  const fresh = drawItems(seed, 'fresh', WIN_RATE_PROMPTS)
  const truths = new Map<string, Fields>(fresh.map(({ prompt, truth }) => [prompt, truth]))
  const promptsHash = await uploadPrompts(
    world,
    fresh.map((one) => one.prompt),
  )
  const known = new Set((await openTasks(world, versionId)).map((task) => task.id))
  const { key } = await api.run<{ key: string }>(
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
  const tasks = (await openTasks(world, versionId)).filter((task) => !known.has(task.id))
  const wins = tasks.map((task, place) => {
    const versions = sides.tasks[place]!.versions
    const own = versionId === againstVersionId ? 0 : versions.indexOf(versionId)
    const truth = truths.get(task.prompt)!
    const gain = utility(task.answers[own]!, truth).overall - utility(task.answers[1 - own]!, truth).overall
    return gain > 0 ? 1 : gain === 0 ? 0.5 : 0
  })
  const rate = wins.reduce((sum: number, win) => sum + win, 0) / wins.length
  const variance = wins.reduce((sum: number, win) => sum + (win - rate) ** 2, 0) / (wins.length - 1)
  const margin = 1.96 * Math.sqrt(variance / wins.length)
  return { rate, lower: rate - margin, upper: rate + margin }
}
