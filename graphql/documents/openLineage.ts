import { createHash } from 'node:crypto'
import { type DescribedVersion, versionUrl } from './describeVersion.ts'

const RUN_EVENT = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent'

/** What happened to a version as OpenLineage 2.0.2: its training, and its evaluation under each rubric. */
export function openLineage(facts: DescribedVersion) {
  const { version, manifest, evaluations, chainId } = facts
  const namespace = `modelcommons:${chainId}`
  const producer = versionUrl(facts)
  const facet = (schema: string, values: object) => ({ _producer: producer, _schemaURL: schema, ...values })
  const dataset = (name: string, datasetVersion: string) => ({
    namespace,
    name,
    facets: {
      version: facet('https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json', { datasetVersion }),
    },
  })
  const adapter = dataset(`version/${version.id}/adapter`, version.adapterHash)
  const event = (job: string, about: string, at: Date, key: string, inputs: object[], outputs: object[]) => ({
    eventType: 'COMPLETE',
    eventTime: at.toISOString(),
    run: { runId: uuidOf(`${namespace}/${key}`), facets: {} },
    job: {
      namespace,
      name: job,
      facets: {
        documentation: facet('https://openlineage.io/spec/facets/1-1-0/DocumentationJobFacet.json', {
          description: about,
        }),
      },
    },
    inputs,
    outputs,
    producer,
    schemaURL: RUN_EVENT,
  })
  const samples = dataset(`version/${version.id}/samples`, version.datasetRoot)
  const base = dataset(`base/${manifest.baseModel}`, manifest.baseModel)
  const parent = version.parentId ? [{ namespace, name: `version/${version.parentId}/adapter`, facets: {} }] : []
  return [
    event(
      `model/${version.modelId}/train`,
      `Training of version ${version.id} by ${version.method}.`,
      version.registeredAt,
      version.manifestHash,
      [base, samples, ...parent],
      [adapter],
    ),
    ...[...new Set(evaluations.map(({ logHash }) => logHash))].map((logHash) => {
      const [first] = evaluations.filter((one) => one.logHash === logHash)
      const rubric = first?.rubricHash ?? ''
      return event(
        `model/${version.modelId}/evaluate`,
        `Evaluation of version ${version.id} under the rubric ${rubric}.`,
        first?.loggedAt ?? version.registeredAt,
        logHash,
        [adapter, dataset(`rubric/${rubric}`, rubric)],
        [dataset(`evaluation/${logHash}`, logHash)],
      )
    }),
  ]
}

/** The same UUID for the same key, of version 8 (RFC 9562): the first bits of its SHA-256. */
function uuidOf(key: string): string {
  const digits = createHash('sha256').update(key).digest('hex')
  const variant = ((Number.parseInt(digits.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20, 32)}`
}
