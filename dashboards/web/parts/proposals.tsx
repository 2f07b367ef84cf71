import type { PulseAnswer } from '../data/answers.ts'
import { counted, exactly, gopen, share } from '../say/figures.ts'
import { ago } from '../say/time.ts'
import { Account } from './account.tsx'
import { useNow } from './now.ts'
import { Empty, Panel } from './panel.tsx'
import { useSpecification } from './specification.ts'

type Proposal = PulseAnswer['proposals']['nodes'][number]

/** Proposals with their tallies, as the Governor would report them now. */
export function Proposals({ pulse }: { pulse: PulseAnswer | null }) {
  const proposals = pulse?.proposals.nodes ?? []
  return (
    <Panel
      id="proposals"
      title="Proposals"
      says="Every vote counts the gOPEN its voter held or was given when voting began."
    >
      {proposals.length === 0 ? (
        <Empty ready={pulse !== null}>
          No proposal yet. When someone proposes a model, its votes appear here as they are cast.
        </Empty>
      ) : (
        proposals.map((proposal) => <Tally key={proposal.id} proposal={proposal} />)
      )}
    </Panel>
  )
}

const SIDES = [
  { name: 'For', field: 'forVotes', className: 'for' },
  { name: 'Against', field: 'againstVotes', className: 'against' },
  { name: 'Abstain', field: 'abstainVotes', className: 'abstain' },
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
  const votes = SIDES.map((side) => BigInt(proposal[side.field]))
  const cast = votes.reduce((sum, one) => sum + one, 0n)
  const counting = votes[0]! + votes[2]!
  const quorum = proposal.quorumNeeded === null ? null : BigInt(proposal.quorumNeeded)
  const scale = [cast, quorum ?? 0n].reduce((most, one) => (one > most ? one : most), 1n)
  const now = useNow()
  const title =
    specification?.name ??
    proposal.description
      .split('\n')[0]!
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
        aria-label={`For ${gopen(votes[0]!)}, against ${gopen(votes[1]!)}, abstain ${gopen(votes[2]!)} gOPEN${quorum === null ? '' : `; quorum ${gopen(quorum)}, ${proposal.quorumReached ? 'reached' : 'not reached'}`}`}
      >
        {/* Abstentions stand beside the votes for: together they count toward the quorum. */}
        {[0, 2, 1].map((place) => (
          <i
            key={place}
            className={SIDES[place]!.className}
            style={{ width: `${share(votes[place]!, scale) * 100}%` }}
          />
        ))}
        {quorum !== null && (
          <span className="quorum" style={{ left: `${share(quorum, scale) * 100}%` }}>
            <span className={share(quorum, scale) > 0.6 ? 'left' : ''}>quorum {gopen(quorum)}</span>
          </span>
        )}
      </div>
      <dl className="sides">
        {SIDES.map((side, place) => (
          <div key={side.name}>
            <dt>
              <i className={side.className} aria-hidden="true" /> {side.name}
            </dt>
            <dd title={exactly(votes[place]!)}>
              {gopen(votes[place]!)}{' '}
              <small>{cast > 0n ? `${(share(votes[place]!, cast) * 100).toFixed(1)} %` : ''}</small>
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
