import { patternOf, type RubricMetric, scoreOf } from '#engine/tasks/rubric.ts'
import { matchInTime } from '#engine/text/boundedMatch.ts'
import type { Problems } from '../problems.ts'
import { FILES, type FolderParts } from '../readFolder.ts'
import type { PlacedSample } from '../sampleFile.ts'
import { slowPattern } from './slowPattern.ts'

/** The scorers must work, and the known answers must be right by them. */
export function checkScorers({ scorers, test, gold }: FolderParts, problems: Problems): void {
  if (!scorers) return
  const metrics = scorers.value.metrics ?? []
  for (const [index, part] of metrics.entries()) {
    const at = scorers.placeOf(['metrics', index])
    if (part.name !== undefined && metrics.findIndex(({ name }) => name === part.name) !== index)
      problems.add(FILES.scorers, at, `There is a scorer ${part.name} already. Give it another name.`)
    if (!scorers.isSound(['metrics', index])) continue
    const metric = part as RubricMetric
    if (metric.kind === 'perplexity') continue
    const broken = brokenSetting(metric)
    if (broken) {
      problems.add(FILES.scorers, at, broken)
      continue
    }
    const items = [...test.items, ...(gold?.items ?? [])]
    const slow = items.find((item) => isSlow(metric, item))
    if (slow) {
      problems.add(
        FILES.scorers,
        at,
        `${metric.name}: ${slowPattern(slow)} The scorer would count such an answer as wrong.`,
      )
      continue
    }
    for (const { file, line, sample } of items) {
      const wrong = wrongAnswer(metric, sample.completion)
      if (wrong) problems.add(file, { line }, wrong)
    }
  }
}

function brokenSetting(metric: RubricMetric): string | undefined {
  if (metric.kind === 'json') return undefined
  try {
    scoreOf(metric, '', '')
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const isSlow = (metric: RubricMetric, { sample }: PlacedSample): boolean =>
  metric.kind === 'regex' && matchInTime(patternOf(metric), sample.completion) === undefined

function wrongAnswer(metric: RubricMetric, completion: string): string | undefined {
  try {
    if (scoreOf(metric, completion, completion) === 1) return undefined
    return `Its completion, which should be right, does not score 1 by ${metric.name}. Correct the completion or the scorer.`
  } catch (error) {
    return (error as Error).message
  }
}
