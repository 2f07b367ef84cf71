import type { Hex } from 'viem'
import { contentHash, type PromptCompletion, parseSample, SampleError } from '#rules/sample.ts'
import { requirementCheck, type SampleRequirements } from '#rules/sampleRequirements.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'
import { contributedHashes } from './contributions.ts'

const DATANET = graphql('query ($id: ID!) { datanet(id: $id) { licence minStake comparison model { specHash } } }')
const DOCUMENT = graphql('query ($id: ID!) { artifact(id: $id) { json } }')

/** What is wrong with a sample; places count from 1. */
export interface SampleProblem {
  place: number
  reason: string
}

export interface CheckedSamples {
  /** In canonical form: those that may be given now. */
  samples: PromptCompletion[]
  problems: SampleProblem[]
  /** How many the account has given to the datanet before. */
  given: number
  licence: string
  /** What each sample must be, in the words of the model's specification; undefined when it cannot be read. */
  wanted?: string
}

/** Checks samples as the scorer will: their form, what the model's specification requires, copies among them, what the account gave before. Whether others gave
 *  the same, and secrets and personal data, are not looked for. `values`: objects with `prompt` and `completion`.
 *  @throws ClientError when there is no such datanet. */
export async function checkSamples(
  client: Client,
  { datanetId, values }: { datanetId: bigint; values: readonly unknown[] },
): Promise<CheckedSamples> {
  const { datanet } = await client.ask(DATANET, { id: datanetId.toString() })
  if (!datanet) throw new ClientError(`There is no datanet ${datanetId}. Look at the list of datanets for its id.`)
  const requirements = await requirementsOf(client, datanet.model?.specHash)
  const check = requirements ? requirementCheck(requirements) : () => null
  const found = new Map<Hex, PromptCompletion>()
  const problems: SampleProblem[] = []
  for (const [index, value] of values.entries())
    try {
      const sample = parseSample(JSON.stringify(value) ?? '')
      const hash = contentHash(sample)
      const reason = check(sample)?.reason ?? (found.has(hash) ? 'The same stands above.' : undefined)
      if (reason) problems.push({ place: index + 1, reason })
      else found.set(hash, sample)
    } catch (error) {
      if (!(error instanceof SampleError)) throw error
      problems.push({ place: index + 1, reason: error.message })
    }
  const given = client.wallet ? await contributedHashes(client, { datanetId, hashes: [...found.keys()] }) : new Map()
  for (const hash of given.keys()) found.delete(hash)
  return {
    ...{ samples: [...found.values()], problems, given: given.size, licence: datanet.licence },
    wanted: requirements?.description,
  }
}

async function requirementsOf(client: Client, specHash: string | undefined): Promise<SampleRequirements | undefined> {
  if (!specHash) return undefined
  const { artifact } = await client.ask(DOCUMENT, { id: specHash })
  const { samples } = (artifact?.json ?? {}) as { samples?: SampleRequirements }
  return samples && typeof samples.completionPattern === 'string' && Array.isArray(samples.topic) ? samples : undefined
}
