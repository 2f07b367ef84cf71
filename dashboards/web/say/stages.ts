import type { Event, Job } from '../data/documents/common.ts'
import type { OverviewAnswer } from '../data/documents/overview.ts'
import { count, counted, gopen } from './figures.ts'

export type StageName =
  | 'propose'
  | 'govern'
  | 'gather'
  | 'train'
  | 'evaluate'
  | 'align'
  | 'serve'
  | 'attribute'
  | 'reward'
  | 'recourse'

export interface Stage {
  name: StageName
  title: string
  /** One sentence for newcomers. */
  says: string
  figure(overview: OverviewAnswer): string
  unit(overview: OverviewAnswer): string
  note(overview: OverviewAnswer): string
}

/** The lifecycle, in order. */
export const STAGES: readonly Stage[] = [
  {
    name: 'propose',
    title: 'Propose',
    says: 'Someone locks a bond and says what model is wanted, and how it will be judged.',
    figure: ({ overview }) => count(overview.models),
    unit: ({ overview }) => (overview.models === 1 ? 'model' : 'models'),
    note: () => 'proposed with a bond',
  },
  {
    name: 'govern',
    title: 'Govern',
    says: 'Holders of gOPEN vote. A passed proposal becomes a mandate with a budget.',
    figure: ({ overview }) => count(overview.votes),
    unit: ({ overview }) => (overview.votes === 1 ? 'vote' : 'votes'),
    note: ({ overview }) => counted(overview.mandates, 'mandate'),
  },
  {
    name: 'gather',
    title: 'Gather data',
    says: 'People contribute signed samples. Rules refuse copies and junk, with a reason.',
    figure: ({ overview }) => count(overview.contributions),
    unit: ({ overview }) => (overview.contributions === 1 ? 'sample' : 'samples'),
    note: ({ overview }) => `${count(overview.acceptedContributions)} accepted`,
  },
  {
    name: 'train',
    title: 'Train',
    says: 'Workers fine-tune the base model on the accepted samples.',
    figure: ({ overview }) => count(overview.versions),
    unit: ({ overview }) => (overview.versions === 1 ? 'version' : 'versions'),
    note: ({ overview }) => `by ${counted(overview.jobs, 'job')} in all`,
  },
  {
    name: 'evaluate',
    title: 'Evaluate',
    says: 'Sealed test items decide whether a version meets the mandate and may serve.',
    figure: ({ overview }) => count(overview.evaluations),
    unit: ({ overview }) => (overview.evaluations === 1 ? 'score' : 'scores'),
    note: ({ overview }) => `${count(overview.promotedVersions)} promoted`,
  },
  {
    name: 'align',
    title: 'Align',
    says: 'Validators compare answers in secret, then reveal. Their preferences train the next version.',
    figure: ({ overview }) => count(overview.judgements),
    unit: ({ overview }) => (overview.judgements === 1 ? 'judgement' : 'judgements'),
    note: ({ overview }) => counted(overview.feedbackTasks, 'comparison'),
  },
  {
    name: 'serve',
    title: 'Serve',
    says: 'An endpoint answers paid calls; each leaves a signed receipt.',
    figure: ({ overview }) => count(overview.receipts),
    unit: ({ overview }) => (overview.receipts === 1 ? 'call' : 'calls'),
    note: ({ overview }) => `${gopen(overview.fees)} gOPEN paid`,
  },
  {
    name: 'attribute',
    title: 'Attribute',
    says: 'Each answer is traced back to the samples that shaped it.',
    figure: ({ answerAttributions }) => count(answerAttributions.totalCount),
    unit: ({ answerAttributions }) => (answerAttributions.totalCount === 1 ? 'trace' : 'traces'),
    note: () => 'from answer to sample',
  },
  {
    name: 'reward',
    title: 'Reward',
    says: 'Each epoch’s fees flow to whoever caused them, by rules anyone can recompute.',
    figure: ({ overview }) => gopen(overview.rewards),
    unit: () => 'gOPEN',
    note: ({ overview }) => `${gopen(overview.claimed)} claimed`,
  },
  {
    name: 'recourse',
    title: 'Recourse',
    says: 'Anyone may dispute a sample, a judgement, a version or a reward, with a bond.',
    figure: ({ overview }) => count(overview.disputes),
    unit: ({ overview }) => (overview.disputes === 1 ? 'dispute' : 'disputes'),
    note: ({ overview }) => `${count(overview.openDisputes)} open`,
  },
]

const OF_JOB: Record<string, StageName> = {
  scoreDatanet: 'gather',
  fineTune: 'train',
  evaluate: 'evaluate',
  compare: 'align',
  settleFeedback: 'align',
  rlhf: 'align',
  infer: 'serve',
  attribute: 'attribute',
  redeem: 'serve',
  settleEpoch: 'reward',
  resolveDispute: 'recourse',
  monitorVersion: 'evaluate',
  disputeVersion: 'recourse',
  pointEndpoint: 'serve',
}

const OF_CONTRACT: Record<string, StageName> = {
  GOpen: 'govern',
  ModelGovernor: 'govern',
  TimelockController: 'govern',
  Treasury: 'govern',
  ModelRegistry: 'propose',
  DatanetRegistry: 'gather',
  FeedbackPool: 'align',
  EvaluationRegistry: 'evaluate',
  InferenceMarket: 'serve',
  RewardDistributor: 'reward',
  Disputes: 'recourse',
}

const OF_EVENT: Record<string, StageName> = {
  VersionRegistered: 'train',
  VersionPromoted: 'evaluate',
  VersionRolledBack: 'recourse',
  MandateIssued: 'govern',
  MandateFunded: 'govern',
  BudgetSpent: 'govern',
  BondReturned: 'govern',
  BondSlashed: 'govern',
  ModelStaked: 'govern',
  ModelUnstaked: 'govern',
}

export const stageOfEvent = ({ name, contract }: Pick<Event, 'name' | 'contract'>): StageName | undefined =>
  OF_EVENT[name] ?? OF_CONTRACT[contract]

const TITLES = new Map(STAGES.map(({ name, title }) => [name, title]))

/** The title of the stage to which an event belongs. */
export const stageTitle = (event: Pick<Event, 'name' | 'contract'>): string =>
  TITLES.get(stageOfEvent(event) ?? 'govern') ?? ''

export const stageOfJob = (kind: string): StageName | undefined => OF_JOB[kind]

const JOB_TITLES: Record<string, string> = {
  scoreDatanet: 'Scoring samples',
  fineTune: 'Fine-tuning',
  evaluate: 'Evaluation',
  compare: 'Comparisons',
  settleFeedback: 'Settling judgements',
  rlhf: 'Alignment',
  infer: 'Answering a call',
  attribute: 'Tracing an answer',
  redeem: 'Redeeming fees',
  settleEpoch: 'Settling an epoch',
  resolveDispute: 'Resolving a dispute',
  monitorVersion: 'Measuring the live version',
  disputeVersion: 'Opening recourse',
  pointEndpoint: 'Pointing an endpoint at a version',
  relay: 'Sending signed acts',
}

/** What a job does, and to what, as far as its input says. */
export function jobTitle({ kind, input }: Pick<Job, 'kind' | 'input'>): string {
  const { versionId, epoch, method } = (input ?? {}) as { versionId?: string; epoch?: number; method?: string }
  const title = JOB_TITLES[kind] ?? kind
  if (kind === 'settleEpoch' && epoch !== undefined) return `Settling epoch ${epoch}`
  if (kind === 'rlhf') return `Alignment of version ${versionId} by ${String(method).toUpperCase()}`
  return versionId && kind !== 'infer' ? `${title} of version ${versionId}` : title
}

/** The version that a training job made; null until it has. */
export const versionMade = ({ result }: Pick<Job, 'result'>): string | null =>
  (result as { versionId?: string } | null)?.versionId ?? null

/** Where the lifecycle is now: what a worker does, or else what the chain said last. */
export function current(
  overview: OverviewAnswer,
  events: readonly Event[],
): { stage: StageName; working: boolean } | null {
  const running = overview.open.nodes.find((job) => job.status === 'Running') ?? overview.open.nodes[0]
  const busy = running && stageOfJob(running.kind)
  if (busy) return { stage: busy, working: true }
  for (const event of events) {
    const stage = stageOfEvent(event)
    if (stage && event.contract !== 'GOpen') return { stage, working: false }
  }
  return null
}
