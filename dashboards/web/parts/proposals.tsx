import type { OverviewAnswer } from '../data/documents/overview.ts'
import { counted, exactly, gopen, share } from '../say/figures.ts'
import { ago } from '../say/time.ts'
import { Account } from './account.tsx'
import { useNow } from './now.ts'
import { Empty, Panel } from './panel.tsx'
import { useSpecification } from './specification.ts'

type Proposal = OverviewAnswer['proposals']['nodes'][number]

/** Proposals with their tallies, as the Governor would report them now. */
export function Proposals({ overview }: { overview: OverviewAnswer | null }) {
  const proposals = overview?.proposals.nodes ?? []
  return (
    <Panel
      id="proposals"
      title="Proposals"
      says="Every vote counts the gOPEN that its voter had locked, or that was delegated to it, when voting began."
    >
      {proposals.length === 0 ? (
        <Empty ready={overview !== null}>
          No proposal yet. When someone proposes a model, its votes appear here as they are cast.
        </Empty>
      ) : (
        proposals.map((proposal) => <Tally key={proposal.id} proposal={proposal} />)
      )}
    </Panel>
  )
}

const SIDES = [
  { name: 'For', className: 'for' },
  { name: 'Against', className: 'against' },
  { name: 'Abstain', className: 'abstain' },
] as const

/** The Governor's numbers for the sides. */
const SIDE_OF: Record<number, string> = { 0: 'against', 1: 'for', 2: 'abstain' }

const FATES: Record<string, string> = {
  Pending: 'Voting has not begun',
  Active: 'Voting is open',
  Canceled: 'Cancelled',
  Defeated: 'Defeated',
  Succeeded: 'Passed',
  Queued: 'Passed, waits in the timelock',
  Expired: 'Expired',
  Executed: 'Passed and carried out',
}

function Tally({ proposal }: { proposal: Proposal }) {
  const [model] = proposal.models.nodes
  const specification = useSpecification(model?.specHash)
  const [approve, reject, abstain] = [proposal.forVotes, proposal.againstVotes, proposal.abstainVotes].map(BigInt) as [
    bigint,
    bigint,
    bigint,
  ]
  const votes = { for: approve, against: reject, abstain }
  const cast = approve + reject + abstain
  const counting = approve + abstain
  const quorum = proposal.quorumNeeded === null ? null : BigInt(proposal.quorumNeeded)
  const scale = [cast, quorum ?? 0n].reduce((most, one) => (one > most ? one : most), 1n)
  const now = useNow()
  const title =
    specification?.name ??
    proposal.description
      .replace(/\n.*$/s, '')
      .replace(/#proposer=.*$/, '')
      .slice(0, 140)
  return (
    <article className="proposal">
      <header>
        <h3>{title || 'Untitled proposal'}</h3>
        <span
          className={`chip ${proposal.state === 'Executed' || proposal.state === 'Succeeded' || proposal.state === 'Queued' ? 'is-good' : proposal.state === 'Active' || proposal.state === 'Pending' ? 'is-busy' : 'is-bad'}`}
        >
          {FATES[proposal.state ?? ''] ?? 'State unknown'}
        </span>
      </header>
      {specification?.purpose && <p className="purpose">{specification.purpose}</p>}
      <div
        className="tally"
        role="img"
        aria-label={`For ${gopen(approve)}, against ${gopen(reject)}, abstain ${gopen(abstain)} gOPEN${quorum === null ? '' : `; quorum ${gopen(quorum)}, ${proposal.quorumReached ? 'reached' : 'not reached'}`}`}
      >
        {/* Abstentions come next to the votes for: together they count toward the quorum. */}
        {(['for', 'abstain', 'against'] as const).map((side) => (
          <i key={side} className={side} style={{ width: `${share(votes[side], scale) * 100}%` }} />
        ))}
        {quorum !== null && (
          <span className="quorum" style={{ left: `${share(quorum, scale) * 100}%` }}>
            <span className={share(quorum, scale) > 0.6 ? 'left' : ''}>quorum {gopen(quorum)}</span>
          </span>
        )}
      </div>
      <dl className="sides">
        {SIDES.map((side) => (
          <div key={side.name}>
            <dt>
              <i className={side.className} aria-hidden="true" /> {side.name}
            </dt>
            <dd title={exactly(votes[side.className])}>
              {gopen(votes[side.className])}{' '}
              <small>{cast > 0n ? `${(share(votes[side.className], cast) * 100).toFixed(1)} %` : ''}</small>
            </dd>
          </div>
        ))}
        <div>
          <dt>Quorum</dt>
          <dd>
            {proposal.quorumReached === null ? 'not known yet' : proposal.quorumReached ? 'reached' : 'not reached'}{' '}
            <small>{quorum && quorum > 0n ? `${(share(counting, quorum) * 100).toFixed(0)} % of it` : ''}</small>
          </dd>
        </div>
      </dl>
      {proposal.votes.nodes.length > 0 && (
        <ul className="votes" aria-label="The heaviest votes">
          {proposal.votes.nodes.map((vote) => (
            <li key={vote.id} title={vote.reason || undefined}>
              <Account id={vote.voter} />
              <span>
                <i className={SIDE_OF[vote.support] ?? 'abstain'} aria-hidden="true" />{' '}
                {SIDES.find((side) => side.className === SIDE_OF[vote.support])?.name}
              </span>
              <span className="num">{gopen(vote.weight)}</span>
            </li>
          ))}
        </ul>
      )}
      <p className="meta">
        Proposed by <Account id={proposal.proposer} />
        <span>{counted(proposal.votes.totalCount, 'vote')}</span>
        {model && (
          <span>
            bond {gopen(model.bond)} gOPEN{' '}
            {model.bondStatus === 'Locked'
              ? 'locked'
              : model.bondStatus === 'Returned'
                ? 'returned'
                : `slashed by ${gopen(model.bondSlashed)}`}
          </span>
        )}
        {model?.mandates.nodes.map((mandate) => (
          <span key={mandate.deadline}>
            mandate of {gopen(mandate.budget)} gOPEN, {gopen(mandate.spent)} spent
          </span>
        ))}
        {proposal.state === 'Active' && <span>voting ends {ending(proposal.voteEnd, now)}</span>}
        {proposal.state === 'Queued' && proposal.eta && <span>may be carried out {ago(proposal.eta, now)}</span>}
      </p>
    </article>
  )
}

/** Clock values above this are seconds since 1970; below it, block numbers. */
const SECONDS_FROM = 1_000_000_000
const ending = (clock: number, now: number) =>
  clock > SECONDS_FROM ? ago(new Date(clock * 1000).toISOString(), now) : `at block ${clock}`
