import { type Assessment, commitOrder, QualityIndex } from '#rules/quality.ts'
import { ArtifactError } from '#schema/artifacts.ts'
import { rowsOf } from '#schema/current.ts'
import type { Specification } from '#schema/documents.ts'
import { Commitment, Contribution, type Datanet } from '#schema/onchain/datanets.ts'
import { loadItems, loadMandatedModel, type Sources } from './modelLookup.ts'

export interface AssessedContribution {
  contribution: Contribution
  assessment: Assessment
}

/** Judges every contribution of a datanet in the order of commitments (rule 3): what stands on chain can be recomputed so. */
export async function assessDatanet(
  at: Sources,
  datanet: Datanet,
  onProgress: (done: number) => void = () => {},
): Promise<AssessedContribution[]> {
  const { rubric, specification } = await loadMandatedModel(at, datanet.modelId)
  const index = new QualityIndex({
    sealed: [...(await loadItems(at, rubric.test)), ...(await loadItems(at, rubric.validation))],
    checks: [specificationCheck(specification)],
  })
  const placed = await orderedByCommitment(at, datanet.id)
  const assessed: AssessedContribution[] = []
  for (const [place, { contribution, committed }] of placed.entries()) {
    const text = await sampleText(at, contribution)
    assessed.push({ contribution, assessment: index.add({ id: contribution.id, committed, text }) })
    onProgress(place / placed.length)
  }
  return assessed
}

/** Contributions in the order of their commitments; those of one commitment in the order of submission. */
async function orderedByCommitment({ db }: Sources, datanetId: string) {
  const contributions = await rowsOf(db, Contribution, 'datanet_id = $1', [datanetId])
  const positions = new Map((await rowsOf(db, Commitment)).map((one) => [one.id, one.position]))
  const placed = contributions.map((contribution) => {
    const [block, log] = positions.get(`${contribution.commitment}-${contribution.contributor}`)?.split('-') ?? []
    if (block === undefined || log === undefined)
      throw new Error(`Commitment ${contribution.commitment} is not indexed.`)
    return { contribution, committed: commitOrder(BigInt(block), BigInt(log)) }
  })
  return placed.sort(
    (a, b) => Number(a.committed - b.committed) || Number(a.contribution.id) - Number(b.contribution.id),
  )
}

/** The sample's text; empty, and so malformed, when its content was never published. */
const sampleText = ({ artifacts }: Sources, { contentHash }: Contribution) =>
  artifacts.get(contentHash).then(
    (bytes) => new TextDecoder().decode(bytes),
    (error) => {
      if (error instanceof ArtifactError && error.code === 'missing') return ''
      throw error
    },
  )

/** What the specification asks of a sample. */
function specificationCheck({ samples }: Specification) {
  const completion = new RegExp(`^(?:${samples.completionPattern})$`, 'u')
  const topic = samples.topic.map((word) => word.toLowerCase())
  return (sample: { prompt: string; completion: string }) => {
    if (sample.prompt.length > samples.maxPromptLength)
      return {
        verdict: 'malformed' as const,
        reason: `The prompt has ${sample.prompt.length} characters; at most ${samples.maxPromptLength} are asked for.`,
      }
    if (!completion.test(sample.completion))
      return {
        verdict: 'malformed' as const,
        reason: `The completion is not of the form asked for: ${samples.description}`,
      }
    const text = sample.prompt.toLowerCase()
    if (topic.length > 0 && !topic.some((word) => text.includes(word)))
      return {
        verdict: 'offTopic' as const,
        reason: 'The prompt has none of the topic’s words. The specification says what the datanet collects.',
      }
    return null
  }
}
