import type { LineageEdgeFacts, LineageNodeFacts } from '../data/documents/lineage.ts'
import type { Kind } from '../paths.ts'
import { gopen, percent, short } from './figures.ts'

/** What the nodes and edges of a lineage say to a person. */

const idOf = (key: string) => key.replace(/^\w+:/, '')

/** The page of a node: votes are told by their voter, judgements by their comparison. */
export function pageOfNode({ kind, id, label }: LineageNodeFacts): { kind: Kind; id: string; title: string } {
  switch (kind) {
    case 'ModelVersion':
      return { kind: 'version', id, title: `Version ${id}` }
    case 'Model':
      return { kind: 'model', id, title: `Model ${id}` }
    case 'Proposal':
      return {
        kind: 'proposal',
        id,
        title: `Proposal: ${label?.replace(/#proposer=.*$/, '').slice(0, 80) || short(id)}`,
      }
    case 'Contribution':
      return { kind: 'contribution', id, title: `Sample ${id}${label ? ` of ${short(label)}` : ''}` }
    case 'JobRun':
      return { kind: 'job', id, title: label === 'rlhf' ? 'Alignment run' : 'Training run' }
    case 'Endpoint':
      return { kind: 'endpoint', id, title: `Endpoint ${id}` }
    case 'Account':
      return { kind: 'account', id, title: short(id) }
    case 'Vote':
      return { kind: 'account', id: label ?? id, title: `Vote of ${short(label ?? id)}` }
    case 'Judgement':
      return {
        kind: 'comparison',
        id: id.replace(/-.*$/, ''),
        title: `Judgement of ${short(label ?? id)}, comparison ${id.replace(/-.*$/, '')}`,
      }
    default:
      return { kind: 'lineage', id: `${kind}:${id}`, title: `${kind} ${label ?? short(id)}` }
  }
}

/** The relations in the order in which they are shown, seen from the effect and from the cause. */
export const RELATIONS: Record<string, { causes: string; effects: string }> = {
  parent: { causes: 'Continued from', effects: 'Continued as' },
  model: { causes: 'A version of', effects: 'Versions' },
  proposal: { causes: 'Proposed in', effects: 'Proposed' },
  run: { causes: 'Made by the run', effects: 'Made' },
  vote: { causes: 'Voted for by', effects: 'Voted on' },
  data: { causes: 'Learned from', effects: 'Taught' },
  feedback: { causes: 'Judged in', effects: 'Judged' },
  evaluation: { causes: 'Measured of', effects: 'Scores' },
  endpoint: { causes: 'Serves', effects: 'Served at' },
  revenue: { causes: 'Paid by', effects: 'Paid' },
}

/** The amount of an edge with its unit. */
export function amountOf({ relation, amount }: LineageEdgeFacts): string | null {
  if (amount === null) return null
  switch (relation) {
    case 'data':
      return `${percent(amount, 2)} of the weight`
    case 'evaluation':
      return percent(amount)
    case 'vote':
      return `${gopen(amount)} gOPEN of power`
    case 'revenue':
      return `${gopen(amount)} gOPEN`
    case 'feedback':
      return null // the rules' score of a judgement says nothing without its round
    default:
      return String(amount)
  }
}

/** The address of the chain's event behind an edge. */
export function eventOfEdge(
  { from, to, relation }: LineageEdgeFacts,
  nodes: ReadonlyMap<string, LineageNodeFacts>,
): string {
  const link = (name: string, args: Record<string, string>) => `/events?${new URLSearchParams({ name, ...args })}`
  const [cause, effect] = [idOf(from), idOf(to)]
  switch (relation) {
    case 'proposal':
      return link('ModelProposed', { modelId: effect })
    case 'endpoint':
      return link('EndpointRegistered', { endpointId: effect })
    case 'evaluation':
      return link('EvaluationLogged', { evaluationId: effect })
    case 'feedback': {
      const [taskId = '', validator = ''] = cause.split('-')
      return link('FeedbackRevealed', { taskId, validator })
    }
    case 'vote':
      return link('VoteCast', { proposalId: effect, voter: nodes.get(from)?.label ?? '' })
    case 'revenue':
      return link('RewardMapPublished', {})
    case 'data':
      return link('ContributionSubmitted', { contributionId: cause })
    default:
      return link('VersionRegistered', { versionId: effect })
  }
}
