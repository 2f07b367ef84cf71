/** The states of a proposal, in order. */

export interface TimelineStep {
  title: string
  state: 'done' | 'now' | 'coming' | 'missed'
  /** Null where the time is not known, or is a block. */
  at: string | null
  says?: string
}

interface Dated {
  state: string | null
  createdAt: string
  voteStart: number
  voteEnd: number
  eta: string | null
  governor: { clock: 'BlockNumber' | 'Timestamp' } | null
}

const ENDED_BADLY: Record<string, string> = {
  Canceled: 'Cancelled',
  Defeated: 'Defeated',
  Expired: 'Expired in the timelock',
}
/** How many steps are behind a proposal in this state. */
const PASSED: Record<string, number> = {
  Pending: 1,
  Active: 2,
  Canceled: 1,
  Defeated: 3,
  Succeeded: 3,
  Queued: 4,
  Expired: 4,
  Executed: 5,
}

/** What happened and what comes when: proposed, voting opens, voting ends, waits in the timelock, carried out. */
export function timelineOf(proposal: Dated): TimelineStep[] {
  const { state, eta } = proposal
  const clock = (value: number) =>
    proposal.governor?.clock === 'BlockNumber'
      ? { at: null, says: `at block ${value}` }
      : { at: new Date(value * 1000).toISOString() }
  const bad = ENDED_BADLY[state ?? '']
  const steps: Omit<TimelineStep, 'state'>[] = [
    { title: 'Proposed', at: proposal.createdAt },
    { title: 'Voting opens', ...clock(proposal.voteStart) },
    { title: 'Voting ends', ...clock(proposal.voteEnd) },
    { title: 'May be carried out from', at: eta, says: 'once it has passed and is queued in the timelock' },
    { title: 'Carried out', at: null, says: state === 'Executed' ? 'done' : 'by anybody, when the timelock allows it' },
  ]
  const passed = PASSED[state ?? ''] ?? 1
  const dated = steps.map(
    (step, place): TimelineStep => ({ ...step, state: place < passed ? 'done' : bad ? 'missed' : 'coming' }),
  )
  if (!bad) {
    const next = dated[passed]
    if (next) next.state = 'now'
    return dated
  }
  return [...dated.slice(0, passed), { title: bad, at: null, says: 'It ends here.', state: 'now' }]
}
