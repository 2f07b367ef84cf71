import { formatEther, zeroHash } from 'viem'
import { BPS } from '#rules/bps.ts'
import { licenceConflict } from '#rules/licences.ts'
import { wholePattern } from '#rules/sampleRequirements.ts'
import { MAX_ANCESTORS_BPS } from '#rules/split.ts'
import { checkJobInput } from '#schema/jobs.ts'
import type { Problems } from '../problems.ts'
import { FILES, type FolderParts } from '../readFolder.ts'

/** What the contract would refuse, and what could never be reached. */
export function checkProposedTerms({ model, scorers, prompts }: FolderParts, problems: Problems, now: Date): void {
  if (!model) return
  const { value, placeOf } = model
  const say = (path: readonly PropertyKey[], message: string) => problems.add(FILES.model, placeOf(path), message)
  const { deadline, split, targets } = value.mandate
  if (Date.parse(deadline) <= now.getTime())
    say(['mandate', 'deadline'], `mandate.deadline ${deadline} is over. Choose a later day.`)
  const sum = split.owner + split.stakers + split.data + split.validators + split.host
  const missing = Number(BPS) - sum
  if (missing !== 0)
    say(
      ['mandate', 'split'],
      `mandate.split: owner, stakers, data, validators and host sum to ${sum}, not ${BPS}. ${missing > 0 ? `Add ${missing}` : `Take ${-missing} away`}.`,
    )
  if (BigInt(split.ancestors) > MAX_ANCESTORS_BPS)
    say(
      ['mandate', 'split', 'ancestors'],
      `mandate.split.ancestors must be at most ${MAX_ANCESTORS_BPS}, not ${split.ancestors}.`,
    )
  const conflict = licenceConflict(value.base.licence, value.licence)
  if (conflict) say(['base', 'licence'], `base.licence: ${conflict} The model would be under ${value.licence}.`)
  const own = licenceConflict(value.licence, value.licence)
  if (own && own !== conflict) say(['licence'], `licence: ${own}`)
  try {
    wholePattern(value.samples.completionPattern)
  } catch (error) {
    say(['samples', 'completionPattern'], `samples.completionPattern: ${(error as Error).message}.`)
  }
  for (const step of ['judge', 'align'] as const)
    if (value.policy?.[step] && !value.policy[step].prompts && !prompts)
      say(
        ['policy', step],
        `policy.${step} needs prompts: write ${FILES.prompts}, or name an artifact in policy.${step}.prompts.`,
      )
  const { judge } = value.policy ?? {}
  if (judge) {
    const { potWei, tasks } = checkJobInput('compare', { ...judge.settings, versionId: '1', promptsHash: zeroHash })
    const cost = BigInt(potWei) * BigInt(tasks)
    if (cost > value.mandate.budget)
      say(
        ['policy', 'judge'],
        `policy.judge costs ${formatEther(cost)} gOPEN, ${tasks} comparisons at potWei ${potWei}, and mandate.budget is ${formatEther(value.mandate.budget)}: nobody would ever judge. Raise the budget, or name a smaller potWei in policy.judge.settings.`,
      )
  }
  for (const [index, { metric }] of targets.entries()) {
    const path = ['mandate', 'targets', index, 'metric']
    if (targets.findIndex((one) => one.metric === metric) !== index)
      say(path, `The metric ${metric} has a target already.`)
    if (!scorers) continue
    const scorer = scorers.value.metrics.find(({ name }) => name === metric)
    if (!scorer)
      say(
        path,
        `No scorer gives ${metric}. ${FILES.scorers} has ${scorers.value.metrics.map(({ name }) => name).join(', ')}.`,
      )
    else if (scorer.kind === 'perplexity')
      say(
        path,
        `${metric} is a perplexity, of which less is better: a minimum would ask for a worse model. Choose another metric.`,
      )
  }
}
