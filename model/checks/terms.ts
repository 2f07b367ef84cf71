import { BPS } from '#rules/bps.ts'
import { licenceConflict } from '#rules/licences.ts'
import { wholePattern } from '#rules/sampleRequirements.ts'
import { MAX_ANCESTORS_BPS } from '#rules/split.ts'
import type { ModelYaml } from '../format.ts'
import type { Problems } from '../problems.ts'
import { FILES, type FolderParts } from '../readFolder.ts'
import type { SoundParts } from '../soundParts.ts'

type Terms = SoundParts<ModelYaml>
type Say = (path: readonly PropertyKey[], message: string) => void

/** What the contract would refuse, and what could never be reached. */
export function checkProposedTerms({ model, scorers }: FolderParts, problems: Problems, now: Date): void {
  if (!model) return
  const { value, placeOf } = model
  const say: Say = (path, message) => problems.add(FILES.model, placeOf(path), message)
  const { deadline, split, targets } = value.mandate ?? {}
  if (deadline !== undefined && Date.parse(deadline) <= now.getTime())
    say(['mandate', 'deadline'], `mandate.deadline ${deadline} is over. Choose a later day.`)
  if (split) checkSplit(split, say)
  checkLicences(value, say)
  try {
    wholePattern(value.samples?.completionPattern ?? '')
  } catch (error) {
    say(['samples', 'completionPattern'], `samples.completionPattern: ${(error as Error).message}.`)
  }
  checkTargets(targets ?? [], scorers, say)
}

function checkSplit({ owner, stakers, data, validators, host, ancestors }: Split, say: Say): void {
  // A share that cannot be read is told elsewhere: without it there is no sum.
  const shares = [owner, stakers, data, validators, host]
  const sum = shares.reduce<number>((total, share) => total + (share ?? Number.NaN), 0)
  const missing = Number(BPS) - sum
  if (missing > 0 || missing < 0)
    say(
      ['mandate', 'split'],
      `mandate.split: owner, stakers, data, validators and host sum to ${sum}, not ${BPS}. ${missing > 0 ? `Add ${missing}` : `Take ${-missing} away`}.`,
    )
  if (ancestors !== undefined && BigInt(ancestors) > MAX_ANCESTORS_BPS)
    say(
      ['mandate', 'split', 'ancestors'],
      `mandate.split.ancestors must be at most ${MAX_ANCESTORS_BPS}, not ${ancestors}.`,
    )
}

type Split = SoundParts<ModelYaml['mandate']['split']>

function checkLicences({ licence, base }: Terms, say: Say): void {
  if (licence === undefined) return
  const conflict = base?.licence === undefined ? undefined : licenceConflict(base.licence, licence)
  if (conflict) say(['base', 'licence'], `base.licence: ${conflict} The model would be under ${licence}.`)
  const own = licenceConflict(licence, licence)
  if (own && own !== conflict) say(['licence'], `licence: ${own}`)
}

function checkTargets(
  targets: SoundParts<ModelYaml['mandate']['targets']>,
  scorers: FolderParts['scorers'],
  say: Say,
): void {
  const known = scorers?.value.metrics ?? []
  const names = known.map(({ name }) => name)
  for (const [index, { metric }] of targets.entries()) {
    if (metric === undefined) continue
    const path = ['mandate', 'targets', index, 'metric']
    if (targets.findIndex((one) => one.metric === metric) !== index)
      say(path, `The metric ${metric} has a target already.`)
    const scorer = known.find(({ name }) => name === metric)
    if (!scorer && names.length > 0 && !names.includes(undefined))
      say(path, `No scorer gives ${metric}. ${FILES.scorers} has ${names.join(', ')}.`)
    else if (scorer?.kind === 'perplexity')
      say(
        path,
        `${metric} is a perplexity, of which less is better: a minimum would ask for a worse model. Choose another metric.`,
      )
  }
}
