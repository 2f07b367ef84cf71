import { formatEther } from 'viem'
import { answersFor } from '#client/index.ts'
import type { ModelFolder } from './checkFiles.ts'
import { FILES } from './readFolder.ts'
import { lostAlignment, type ModelStanding } from './standing.ts'

type Version = ModelStanding['versions']['nodes'][number]
type Endpoint = Version['endpoints']['nodes'][number]

/** What a model waits for. @param hosts whose endpoints the API answers for */
export function nextStep(
  { path, model: { licence, samples, serving } }: Pick<ModelFolder, 'path' | 'model'>,
  model: ModelStanding | null,
  hosts: readonly string[],
): string {
  if (!model)
    return `modelcommons model propose ${path} (if it was proposed before and the folder changed since: --model ID)`
  const { proposal, proposalId } = model
  if (!proposal) return `modelcommons model propose ${path}: its vote is not open yet`
  const [mandate] = model.mandates.nodes
  if (!mandate) return governStep(proposalId, proposal)
  const [datanet] = model.datanets.nodes
  if (!datanet)
    return `modelcommons datanet create ${model.id} --licence ${licence} --min-stake ${formatEther(samples.minStake)} --compare ${samples.comparison}`
  if (datanet.contributions.totalCount === 0)
    return `modelcommons contribute ${path}/${FILES.seedData}/samples.jsonl --datanet ${datanet.id}`
  const [stewardship] = model.stewardships.nodes
  if (stewardship && !['Working', 'Waiting'].includes(stewardship.state))
    return `The steward does nothing: ${stewardship.explanation}`
  const [newest] = model.versions.nodes
  if (!newest) return 'The operator or the steward scores the samples and trains the first version.'
  if (model.liveVersionId === null) return promotionStep(model, newest)
  const endpoint = model.versions.nodes
    .flatMap((version): Endpoint[] => version.endpoints.nodes)
    .find(({ host }) => answersFor(hosts, host))
  if (endpoint) return `modelcommons call ${endpoint.id} "…"`
  const prices = `--price-in ${formatEther(serving?.priceIn ?? 0n)} --price-out ${formatEther(serving?.priceOut ?? 0n)}`
  return `modelcommons endpoint open ${model.liveVersionId} --url https://… ${prices}, as a host whom this API answers for${hosts.length > 0 ? ` (${hosts.join(', ')}; \`--account operator\` where you run it)` : ''}`
}

/** Where no version is live: of the newest that may be promoted, or else of the newest. */
function promotionStep({ versions, stewardships }: ModelStanding, newest: Version): string {
  const best = versions.nodes.find((one) => one.status === 'Registered' && one.meetsMandate.met && !lostAlignment(one))
  if (best) return `The operator or the steward promotes version ${best.id}, which meets its targets.`
  const { id, status, evaluations, meetsMandate } = newest
  if (status === 'RolledBack') return `Version ${id} was rolled back: more samples, or another training.`
  if (evaluations.nodes.length === 0) return `The operator or the steward evaluates version ${id}.`
  if (!meetsMandate.met) {
    const plan = stewardships.nodes[0]?.explanation
    return `No version meets the targets yet: more samples, or another training.${plan ? ` ${plan}` : ''}`
  }
  return `The steward does not promote version ${id}. ${lostAlignment(newest)} More judgements, or another training.`
}

function governStep(id: string, proposal: NonNullable<ModelStanding['proposal']>): string {
  switch (proposal.state) {
    case 'Pending':
      return `The vote begins at ${timeOf(proposal.voteStart)}.`
    case 'Active':
      return `modelcommons vote ${id} for (until ${timeOf(proposal.voteEnd)})`
    case 'Succeeded':
      return `modelcommons queue ${id}`
    case 'Queued':
      return `modelcommons execute ${id} (from ${proposal.eta ?? 'the end of the delay'})`
    case 'Executed':
      return 'The mandate is issued; the index does not have it yet.'
    default:
      return `The proposal is ${proposal.state}. Propose again when the reason for it is gone.`
  }
}

/** The clock of the ModelGovernor counts seconds. */
const timeOf = (seconds: unknown) => new Date(Number(seconds) * 1000).toISOString()
