import { commitOrder } from '#rules/commitments.ts'
import { QualityIndex, type QualityVerdict } from '#rules/quality.ts'
import { canonicalSample } from '#rules/sample.ts'
import { normalForm } from '#rules/shingles.ts'
import { screeningFindingText } from '#screening/findings.ts'
import { screenSample } from '#screening/screenSample.ts'
import { type Problems, WHOLE_FILE } from '../problems.ts'
import { FILES, type FolderParts } from '../readFolder.ts'
import type { PlacedSample } from '../sampleFile.ts'
import { objectionsBy } from './requirements.ts'
import { slowPattern } from './slowPattern.ts'

const placeText = ({ file, line }: PlacedSample) => `${file}:${line}`

/** No prompt may be in two places: a model that has seen an item of the rubric cannot be judged by it. */
export function checkDuplicates({ test, decoys, validation, gold }: FolderParts, problems: Problems): void {
  const first = new Map<string, PlacedSample>()
  for (const item of [...test.items, ...decoys, ...validation.items, ...(gold?.items ?? [])]) {
    const form = normalForm(item.sample.prompt)
    const same = first.get(form)
    if (same) problems.add(item.file, item, `It has the prompt of ${placeText(same)}. Remove one of them.`)
    else first.set(form, item)
  }
}

/** The seed data is judged as the scorer will judge it, so that none of it is refused, and no stake is lost; but all that speaks against a sample is told at once. */
export function checkSeedData(
  { model, test, decoys, validation, gold, seedData }: FolderParts,
  problems: Problems,
): void {
  const sealed = [...test.items, ...decoys, ...validation.items, ...(gold?.items ?? [])]
  const byPrompt = new Map(sealed.map((item) => [normalForm(item.sample.prompt), item]))
  let current = seedData[0]
  const tellSlow = () =>
    current &&
    problems.add(
      FILES.model,
      model?.placeOf(['samples', 'completionPattern']) ?? WHOLE_FILE,
      `samples.completionPattern: ${slowPattern(current)} The scorer would refuse such a sample.`,
    )
  const index = new QualityIndex({
    sealed: sealed.map(({ sample }) => sample),
    comparison: model?.value.samples?.comparison,
  })
  const objections = objectionsBy(model?.value.samples ?? {}, tellSlow)
  for (const one of seedData) {
    current = one
    const { sample } = one
    const refuse = (verdict: QualityVerdict, reason: string) =>
      problems.add(one.file, one, `It would be refused as ${verdict}: ${reason}`)
    for (const { verdict, reason } of objections(sample)) refuse(verdict, reason)
    for (const finding of screenSample(sample)) refuse(finding.verdict, screeningFindingText(finding))
    const text = canonicalSample(sample)
    const { verdict, reason } = index.add({ id: placeText(one), committed: commitOrder(0n, 0n), text })
    if (verdict === 'contaminated') problems.add(one.file, one, contaminated(byPrompt.get(normalForm(sample.prompt))))
    else if (verdict !== 'accepted') refuse(verdict, reason)
  }
}

const contaminated = (item?: PlacedSample) =>
  `It holds ${item ? `the sealed item ${placeText(item)}` : `an item of ${FILES.items}, ${FILES.validation} or ${FILES.gold}`}. Remove it: the model must not learn what it is judged by.`
