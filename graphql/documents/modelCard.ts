import { stringify } from 'yaml'
import { PPM } from '#rules/bps.ts'
import { judgeVersion } from '#rules/promotion.ts'
import { metricEvaluation } from '#schema/promotionFacts.ts'
import { besideLive } from './besideLive.ts'
import { type DescribedVersion, urnOf, versionUrl } from './describeVersion.ts'

/** The licences that Hugging Face lists, by their SPDX names in lower case. */
const KNOWN =
  /^(apache-2\.0|mit|cc0-1\.0|cc-by(-sa|-nc|-nd|-nc-sa|-nc-nd)?-[34]\.0|gpl-3\.0|agpl-3\.0|lgpl-3\.0|gpl-2\.0|mpl-2\.0|bsd-[23]-clause|isc|zlib|unlicense|eupl-1\.2|odbl|pddl|bsl-1\.0|cdla-(sharing-1\.0|permissive-[12]\.0))$/

/** A model card: Markdown with the metadata that Hugging Face reads. What the proposer wrote stands below what the chain says. */
export function modelCard(facts: DescribedVersion): string {
  const { version, specification, licences, targets, evaluations, removed, contributions, ownCard } = facts
  const ofMandate = evaluations.filter(({ rubricHash }) => rubricHash === specification.rubric)
  const { promotable } = judgeVersion(targets, ofMandate.map(metricEvaluation))
  const sections = [
    `# ${oneLine(specification.name)}, version ${version.id}`,
    oneLine(specification.purpose),
    table(
      ['fact', 'value'],
      [
        ['Status', version.status + (version.rollbackReason ? `: ${version.rollbackReason}` : '')],
        ['Method', version.method + (version.parentId ? `, from version ${version.parentId}` : '')],
        ['Registered', version.registeredAt.toISOString()],
        ['Samples', `${contributions.length + removed}, of which ${removed} were taken down or withdrawn since`],
        ['Manifest', version.manifestHash],
        ['Adapter', version.adapterHash],
        ['Base model', facts.manifest.baseModel],
      ],
    ),
    '## Licences',
    table(
      ['of', 'licence'],
      [
        ['The model', licences.model],
        ['The base model', licences.base ?? 'not stated'],
        ['The samples', licences.data.join(', ') || 'none'],
      ],
    ),
    licences.conflict ? `**Conflict.** ${licences.conflict}` : 'No conflict among them is known.',
    '## Evaluation',
    table(
      ['metric', 'score', '95 % interval', 'items', 'target of the mandate'],
      evaluations.map((one) => [
        one.metric,
        share(one.score),
        `${share(one.lower)} to ${share(one.upper)}`,
        String(one.n),
        shareOrNone(targets.find(({ metric }) => metric === one.metric)?.minimum),
      ]),
    ),
    promotable ? 'It meets every target of its mandate.' : 'It does not meet every target of its mandate.',
    ...besideLive(facts),
    '## Use',
    oneLine(specification.integration),
    '## Sources',
    `Lineage: \`${urnOf(facts, 'version', version.id)}\`. Data: ${versionUrl(facts)}/croissant.json. Provenance: ${versionUrl(facts)}/prov.json.`,
    ...(ownCard ? ['## What the proposer says', ownCard.trim()] : []),
  ]
  return `---\n${stringify(metadata(facts))}---\n\n${sections.join('\n\n')}\n`
}

function metadata({ version, specification, licences, manifest, evaluations, chainId }: DescribedVersion) {
  const licence = licences.model.toLowerCase().replace(/-only$|-or-later$/, '')
  return {
    ...(KNOWN.test(licence) ? { license: licence } : { license: 'other', license_name: licences.model }),
    model_name: oneLine(specification.name),
    pipeline_tag: 'text-generation',
    tags: ['modelcommons', version.method],
    'model-index': [
      {
        name: `${oneLine(specification.name)}, version ${version.id}`,
        results: evaluations.map(({ metric, score, rubricHash }) => ({
          task: { type: 'text-generation' },
          dataset: { name: 'Sealed items of the rubric', type: `modelcommons/${rubricHash}` },
          metrics: [{ type: metric, name: metric, value: partOf(score) }],
        })),
      },
    ],
    modelcommons: { chain: chainId, version: version.id, base: manifest.baseModel, manifest: version.manifestHash },
  }
}

const partOf = (ppm: bigint) => Number(ppm) / Number(PPM)
const share = (ppm: bigint) => partOf(ppm).toFixed(4)
const shareOrNone = (ppm: bigint | undefined) => (ppm === undefined ? 'none' : `≥ ${share(ppm)}`)

/** Texts of proposers stay in their cell or paragraph. */
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim()
const cell = (text: string) => oneLine(text).replaceAll('|', '\\|')

const table = (head: string[], rows: string[][]) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')
