import type { MetricEvaluation, MetricTarget } from '#rules/promotion.ts'
import type { JobKind } from '#schema/jobs.ts'
import type { Policy } from '#schema/policy.ts'
import type { RollingEvaluation } from '../rollingEvaluations.ts'

/** The state of a model in the index, as far as the steward decides by it. */
export interface ModelFacts {
  modelId: string
  policy: Policy
  /** The time for the waits of the policy: that of the newest indexed block, and what has passed since. */
  now: Date
  /** The time of the newest indexed block: contracts know no later one. */
  chainTime: Date
  /** Whether the account has the operator's role: without it, only its endpoints are kept. */
  operates: boolean
  mandate: MandateFacts
  targets: readonly MetricTarget[]
  /** Those of the model's owner: anybody may open a datanet for any model. */
  datanets: readonly DatanetFacts[]
  /** The live version and all newer ones, oldest first. */
  versions: readonly VersionFacts[]
  /** Null when none serves. */
  live: LiveFacts | null
  /** The open rounds, and those that can be settled, of all versions. */
  rounds: readonly RoundFacts[]
  /** The accounts that may judge. */
  validators: number
  /** The endpoints of the worker's own account that serve a version of this model. */
  endpoints: readonly { id: string; versionId: string }[]
  /** The promoted versions that these endpoints serve, and what was measured of them since; empty where nothing is monitored. */
  served: readonly ServedFacts[]
  /** The jobs that have not ended, whoever asked for them. */
  jobs: readonly LiveJob[]
}

export interface MandateFacts {
  deadline: Date
  /** What is left of the budget, in wei. */
  funds: bigint
  /** What it spends at most on a day, in wei. */
  dailyCap: bigint
}

export interface DatanetFacts {
  id: string
  /** Contributions without a verdict; the first of them by id, and when the oldest was submitted. */
  unscored: { count: number; firstId: string; oldestAt: Date } | null
  accepted: number
  /** Accepted contributions that `trained` does not have; all of them without one. */
  fresh: number
  /** The newest version that was fine-tuned on it. */
  trained: { versionId: string; samples: number; at: Date } | null
}

export interface VersionFacts {
  id: string
  method: string
  status: 'Registered' | 'Promoted' | 'RolledBack'
  metrics: readonly MetricEvaluation[]
}

export interface LiveFacts {
  id: string
  /** The number of its rounds, settled or not. */
  rounds: number
  /** Its settled comparisons with at least one revealed judgement. */
  judged: number
  /** Whether a version was aligned from it. */
  aligned: boolean
}

export interface RoundFacts {
  id: string
  versionId: string
  revealDeadline: Date
}

export interface ServedFacts {
  versionId: string
  /** Under the mandate's rubric, newest period first. */
  evaluations: readonly RollingEvaluation[]
  /** Disputes about it; `isOwn`: this account opened it. */
  disputes: readonly { id: string; outcome: 'Open' | 'Upheld' | 'Rejected' | 'Lapsed'; isOwn: boolean }[]
}

export interface LiveJob {
  id: string
  kind: JobKind
  /** The entity that it works on: a datanet, a version or an endpoint. */
  subject: string
  /** It has done what it could, and waits for others. */
  waits?: true
}

/** How a version comes to be that nobody aligned. */
export const FINE_TUNED = 'sft'

/** The entity that a job works on. */
export const subjectOf = (input: Readonly<Record<string, unknown>>): string =>
  String(input.endpointId ?? input.datanetId ?? input.versionId ?? '')
