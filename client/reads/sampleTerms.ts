import type { SampleRequirements } from '#rules/sampleRequirements.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'

const DATANET = graphql('query ($id: ID!) { datanet(id: $id) { licence model { specHash } } }')
const DOCUMENT = graphql('query ($id: ID!) { artifact(id: $id) { json } }')

/** What samples are given to a datanet under. */
export interface SampleTerms {
  licence: string
  /** What the specification of its model requires of each sample; undefined when that cannot be read. */
  requirements?: SampleRequirements
  /** What a sample that is rejected loses of its stake, in wei of gOPEN. */
  scoringFee: bigint
}

/**
 * Reads under what samples are given to a datanet. @throws ClientError when there is no such datanet.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, sampleTerms } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * await assert.rejects(sampleTerms(client, 99n), /There is no datanet 99/) // else { licence, requirements, scoringFee }
 * ```
 */
export async function sampleTerms(client: Client, datanetId: bigint): Promise<SampleTerms> {
  const { datanet } = await client.ask(DATANET, { id: datanetId.toString() })
  if (!datanet) throw new ClientError(`There is no datanet ${datanetId}. Look at the list of datanets for its id.`)
  const [requirements, scoringFee] = await Promise.all([
    requirementsOf(client, datanet.model?.specHash),
    client.read('DatanetRegistry', 'scoringFee', []),
  ])
  return { licence: datanet.licence, requirements, scoringFee }
}

async function requirementsOf(client: Client, specHash: string | undefined): Promise<SampleRequirements | undefined> {
  if (!specHash) return undefined
  const { artifact } = await client.ask(DOCUMENT, { id: specHash })
  const { samples } = (artifact?.json ?? {}) as { samples?: Partial<SampleRequirements> }
  const isRead =
    typeof samples?.completionPattern === 'string' &&
    typeof samples.maxPromptLength === 'number' &&
    Array.isArray(samples.topic)
  return isRead ? (samples as SampleRequirements) : undefined
}
