import { createHash } from 'node:crypto'
import { type DescribedVersion, versionUrl } from './describeVersion.ts'

/** Terms that Croissant defines under their own names. */
const TERMS = [
  ...['citeAs', 'column', 'equivalentProperty', 'extract', 'field', 'fileProperty', 'fileObject', 'fileSet', 'format'],
  ...['includes', 'jsonPath', 'key', 'md5', 'parentField', 'path', 'recordSet', 'references', 'regex', 'repeated'],
  ...['replace', 'samplingRate', 'separator', 'source', 'subField', 'transform'],
]

/** The names of the vocabulary, as the specification of Croissant 1.1 maps them. */
const CONTEXT = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  ...Object.fromEntries(TERMS.map((name) => [name, `cr:${name}`])),
  isLiveDataset: 'cr:isLiveDataset',
  conformsTo: 'dct:conformsTo',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  examples: { '@id': 'cr:examples', '@type': '@json' },
  cr: 'http://mlcommons.org/croissant/',
  dct: 'http://purl.org/dc/terms/',
  rai: 'http://mlcommons.org/croissant/RAI/',
  sc: 'https://schema.org/',
}

const FILE = 'samples.jsonl'

/** The datasheet of the samples that a version learned from, and that were not removed since: Croissant 1.1 with its vocabulary for responsible AI.
 *  `samples` is the text of the file that it describes. */
export function croissant(facts: DescribedVersion, samples: string) {
  const { version, specification, datanets, removed, contributions, licences } = facts
  const place = versionUrl(facts)
  const sha256 = createHash('sha256').update(samples).digest('hex')
  const contributors = new Set(contributions.map(({ contributor }) => contributor)).size
  return {
    '@context': CONTEXT,
    '@type': 'sc:Dataset',
    name: `modelcommons-version-${version.id}-samples`,
    description: `The samples that version ${version.id} of the model “${specification.name}” learned from. ${specification.samples.description}`,
    conformsTo: 'http://mlcommons.org/croissant/1.1',
    url: `${place}/croissant.json`,
    license: licences.data.length > 0 ? licences.data : [licences.model],
    version: `1.0.${removed}`,
    datePublished: version.registeredAt.toISOString(),
    citeAs: `ModelCommons, chain ${facts.chainId}, version ${version.id}, dataset ${version.datasetRoot}`,
    isLiveDataset: true,
    creator: datanets.map(({ id, owner }) => ({
      '@type': 'sc:Organization',
      name: `Datanet ${id}, opened by ${owner}`,
    })),
    'rai:dataCollection': `${contributors} accounts signed and staked the samples in datanets ${datanets.map(({ id }) => id).join(', ')}; each was committed before it was shown.`,
    'rai:dataPreprocessingProtocol':
      'Canonical form (NFC). Copies, samples off the topic, and samples with secrets or personal data were rejected by public rules.',
    'rai:personalSensitiveInformation':
      'E-mail addresses of persons, international phone numbers, payment card numbers and IBANs are rejected. Names are not looked for.',
    'rai:dataReleaseMaintenancePlan': `${removed} samples were taken down or withdrawn since the training; they are not in the file.`,
    distribution: [
      {
        '@type': 'cr:FileObject',
        '@id': FILE,
        name: FILE,
        description: 'One sample a line, in training order.',
        contentUrl: `${place}/${FILE}`,
        contentSize: `${Buffer.byteLength(samples)} B`,
        encodingFormat: 'application/jsonlines',
        sha256,
      },
    ],
    recordSet: [
      {
        '@type': 'cr:RecordSet',
        '@id': 'samples',
        name: 'samples',
        field: [
          fieldOf('contribution', 'The contribution on chain.'),
          fieldOf('prompt', 'The prompt.'),
          fieldOf('completion', 'The completion.'),
        ],
      },
    ],
  }
}

const fieldOf = (name: string, description: string) => ({
  '@type': 'cr:Field',
  '@id': `samples/${name}`,
  name,
  description,
  dataType: 'sc:Text',
  source: { fileObject: { '@id': FILE }, extract: { column: name } },
})
