import type { FollowedDeployment } from '#indexer/index.ts'
import { type RecordedEvent, type ReplayFigures, recordedAmount, supportOf, ZERO } from './events.ts'

/** The states of recorded proposals at a height, by the rules of OpenZeppelin's and Compound's Governors, from the recorded events alone. A recording has
 *  no times: what is queued counts as not expired. */

interface Recorded {
  governor: string
  start: number
  end: number
  votes: [against: bigint, for_: bigint, abstain: bigint]
  queued: boolean
  ended?: 'Canceled' | 'Executed'
}

interface Rules {
  counting: 'ForAbstain' | 'For' | 'All'
  fixedQuorum: bigint | null
  denominator: bigint
  token: string | null
}

export class RecordedProposals {
  private readonly proposals = new Map<string, Recorded>()
  private readonly rules: Map<string, Rules>
  /** The supply of each token and the numerator of each Governor, with the blocks from which they hold. */
  private readonly history = new Map<string, { block: number; value: bigint }[]>()
  /** Governors whose quorums or timelocks do what only their contracts tell. */
  private readonly untold = new Set<string>()

  /** Of Governors whose clock counts blocks: the blocks of a recording have no times. */
  constructor({ governors = [] }: FollowedDeployment) {
    this.rules = new Map(
      governors
        .filter(({ clock = 'BlockNumber' }) => clock === 'BlockNumber')
        .map((one) => [
          one.address.toLowerCase(),
          {
            counting: one.counting ?? (one.kind === 'Bravo' || one.kind === 'Alpha' ? 'For' : 'ForAbstain'),
            fixedQuorum: one.fixedQuorum == null ? null : BigInt(one.fixedQuorum),
            denominator: BigInt(one.quorumDenominator ?? 100),
            token: one.token?.toLowerCase() ?? null,
          },
        ]),
    )
  }

  take({ block, address, name, argument }: RecordedEvent) {
    if (name === 'Transfer') return this.supply(block, address, argument)
    if (name === 'QuorumNumeratorUpdated') {
      this.set(address, block, BigInt(argument('newQuorumNumerator')))
      return
    }
    if (name === 'QuorumUpdated' || name === 'TimelockChange') this.untold.add(address)
    if (name === 'Cancelled') for (const governor of this.rules.keys()) this.untold.add(governor)
    if (name === 'ProposalCreated') {
      const id = `${argument('id', 'proposalId')} of ${address}`
      if (!this.proposals.has(id))
        this.proposals.set(id, {
          governor: address,
          start: Number(argument('startBlock', 'voteStart')),
          end: Number(argument('endBlock', 'voteEnd')),
          votes: [0n, 0n, 0n],
          queued: false,
        })
      return
    }
    if (!/^(VoteCast|OverrideVoteCast|VoteReduced|Proposal)/.test(name)) return
    const proposal = this.proposals.get(`${argument('id', 'proposalId')} of ${address}`)
    if (!proposal) return
    if (name === 'ProposalQueued') proposal.queued = true
    if (name === 'ProposalCanceled') proposal.ended = 'Canceled'
    if (name === 'ProposalExecuted') proposal.ended = 'Executed'
    if (name === 'ProposalDeadlineExtended') proposal.end = Number(argument('extendedDeadline'))
    if (name.startsWith('Proposal')) return
    const support = supportOf(argument)
    const weight = BigInt(argument('weight', 'votes')) * (name === 'VoteReduced' ? -1n : 1n)
    if (support <= 2) proposal.votes[support as 0 | 1 | 2] += weight
    else this.untold.add(address)
  }

  private supply(block: number, token: string, argument: RecordedEvent['argument']) {
    const [from, to] = [argument('from'), argument('to')].map((one) => one === ZERO)
    if (from === to) return
    const before = this.history.get(token)?.at(-1)?.value ?? 0n
    this.set(token, block, before + BigInt(recordedAmount(argument)) * (from ? 1n : -1n))
  }

  private set(of: string, block: number, value: bigint) {
    this.history.set(of, [...(this.history.get(of) ?? []), { block, value }])
  }

  private valueAt = (of: string | null, block: number) =>
    of === null ? undefined : this.history.get(of)?.findLast((one) => one.block <= block)?.value

  /** The heights at which states begin or end: the first and last block of each vote, and those after them. */
  boundaries(events: readonly RecordedEvent[]): number[] {
    return events.flatMap(({ name, address, argument }) => {
      if (name !== 'ProposalCreated' || !this.rules.has(address)) return []
      const [start, end] = [Number(argument('startBlock', 'voteStart')), Number(argument('endBlock', 'voteEnd'))]
      return [start, start + 1, end, end + 1]
    })
  }

  /** The states after the events up to `block`, and those that cannot be told from the recording. */
  at(block: number): { states: ReplayFigures; untold: string[] } {
    const states: ReplayFigures = new Map()
    const untold: string[] = []
    for (const [id, proposal] of this.proposals) {
      const rules = this.rules.get(proposal.governor)
      const state = rules && this.stateOf(proposal, rules, block)
      if (state) states.set(`state of proposal ${id}`, state)
      else untold.push(`state of proposal ${id}`)
    }
    return { states, untold }
  }

  private stateOf({ governor, start, end, votes, queued, ended }: Recorded, rules: Rules, block: number) {
    if (ended) return ended
    if (block <= start) return 'Pending'
    if (this.untold.has(governor)) return undefined
    if (block <= end) return 'Active'
    const [against, inFavour, abstain] = votes
    if (inFavour <= against) return 'Defeated'
    if (queued) return 'Queued'
    const [supply, numerator] = [this.valueAt(rules.token, start), this.valueAt(governor, start)]
    const fraction =
      supply === undefined || numerator === undefined ? undefined : (supply * numerator) / rules.denominator
    const quorum = rules.fixedQuorum ?? fraction
    if (quorum === undefined) return undefined
    const counted = { For: inFavour, ForAbstain: inFavour + abstain, All: inFavour + abstain + against }[rules.counting]
    return counted < quorum ? 'Defeated' : 'Succeeded'
  }
}
