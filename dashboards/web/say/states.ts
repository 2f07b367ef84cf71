/** States of things as chips: what is said, and its tone. */

export interface State {
  title: string
  tone: '' | 'is-good' | 'is-bad' | 'is-busy'
}

const PROPOSALS: Record<string, State> = {
  Pending: { title: 'Voting has not begun', tone: 'is-busy' },
  Active: { title: 'Voting is open', tone: 'is-busy' },
  Canceled: { title: 'Cancelled', tone: 'is-bad' },
  Defeated: { title: 'Defeated', tone: 'is-bad' },
  Succeeded: { title: 'Passed', tone: 'is-good' },
  Queued: { title: 'Passed, waits in the timelock', tone: 'is-good' },
  Expired: { title: 'Expired', tone: 'is-bad' },
  Executed: { title: 'Passed and carried out', tone: 'is-good' },
}

export const proposalFate = (state: string | null): State =>
  PROPOSALS[state ?? ''] ?? { title: 'State unknown', tone: '' }

const CONTRIBUTIONS: Record<string, State> = {
  Submitted: { title: 'waits for its score', tone: 'is-busy' },
  Accepted: { title: 'accepted', tone: 'is-good' },
  Rejected: { title: 'rejected', tone: 'is-bad' },
}

/** An accepted sample that was excluded earns nothing more. */
export const contributionState = ({ status, excluded }: { status: string; excluded: boolean }): State =>
  excluded ? { title: 'excluded', tone: 'is-bad' } : (CONTRIBUTIONS[status] ?? { title: status, tone: '' })

const EPOCHS: Record<string, State> = {
  Open: { title: 'open', tone: 'is-busy' },
  Published: { title: 'published', tone: 'is-good' },
  Cancelled: { title: 'cancelled', tone: 'is-bad' },
}

export const epochState = (status: string): State => EPOCHS[status] ?? { title: status, tone: '' }

const OUTCOMES: Record<string, State> = {
  Open: { title: 'open', tone: 'is-busy' },
  Upheld: { title: 'upheld', tone: 'is-good' },
  Rejected: { title: 'rejected', tone: 'is-bad' },
  Lapsed: { title: 'lapsed', tone: '' },
}

export const disputeState = (outcome: string): State => OUTCOMES[outcome] ?? { title: outcome, tone: '' }

const JOBS: Record<string, State> = {
  Queued: { title: 'waits for a worker', tone: 'is-busy' },
  Running: { title: 'running', tone: 'is-busy' },
  Waiting: { title: 'waits for a service', tone: 'is-busy' },
  Succeeded: { title: 'done', tone: 'is-good' },
  Failed: { title: 'failed', tone: 'is-bad' },
  Cancelled: { title: 'cancelled', tone: 'is-bad' },
}

export const jobState = (status: string): State => JOBS[status] ?? { title: status, tone: '' }

const SUPPORT: Record<number, { title: string; className: string }> = {
  0: { title: 'Against', className: 'against' },
  1: { title: 'For', className: 'for' },
  2: { title: 'Abstain', className: 'abstain' },
}

/** The side of a vote, by the Governor’s number. */
export const sideOf = (support: number) => SUPPORT[support] ?? { title: 'Split', className: 'abstain' }

/** What a dispute is about, and on which page it stands. */
export const SUBJECTS = {
  Contribution: { title: 'Sample', kind: 'contribution' },
  Judgement: { title: 'Judgement', kind: 'comparison' },
  Version: { title: 'Version', kind: 'version' },
  RewardMap: { title: 'Reward map of epoch', kind: 'epoch' },
} as const

/** On which page what is disputed stands: a judgement on that of its comparison. */
export const subjectPage = ({ subject, subjectId }: { subject: keyof typeof SUBJECTS; subjectId: string }) => ({
  kind: SUBJECTS[subject].kind,
  id: subject === 'Judgement' ? subjectId.replace(/-.*$/, '') : subjectId,
})
