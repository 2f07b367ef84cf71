import { contentHash, contributedHashes, type PromptCompletion, sampleTerms } from '#client/index.ts'
import type { CheckedSampleFile } from '#model/checkSampleFile.ts'
import type { Ready } from '../wallet/sessionKinds.ts'
import { askWorker } from './askWorker.ts'
import type { SamplesRequest } from './samplesRequest.ts'

export interface CheckedSamples extends CheckedSampleFile {
  /** How many the account has given to the datanet before; they are left out. */
  given: number
  licence: string
  /** What each sample must be, in the words of the model's specification; undefined when it cannot be read. */
  wanted?: string
}

const openWorker = () => new Worker(new URL('./samplesWorker.ts', import.meta.url), { type: 'module' })

/** Checks a file of samples as `modelcommons contribute` does. @throws ClientError when there is no such datanet, or it does not end. */
export async function checkSamples(
  { client }: Pick<Ready, 'client'>,
  datanetId: bigint,
  file: File,
  signal: AbortSignal,
): Promise<CheckedSamples> {
  const { licence, requirements } = await sampleTerms(client, datanetId)
  const request = { name: file.name, file, requirements }
  const checked = await askWorker<SamplesRequest, CheckedSampleFile>(openWorker, request, signal)
  const byHash = new Map(checked.samples.map((sample) => [contentHash(sample), sample]))
  const given = await contributedHashes(client, { datanetId, hashes: [...byHash.keys()] })
  const samples: PromptCompletion[] = [...byHash].flatMap(([hash, sample]) => (given.has(hash) ? [] : [sample]))
  return { ...checked, samples, given: given.size, licence, wanted: requirements?.description }
}
