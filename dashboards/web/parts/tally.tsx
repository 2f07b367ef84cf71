import { exactly, gopen, share } from '../say/figures.ts'

const SIDES = [
  { name: 'For', className: 'for' },
  { name: 'Against', className: 'against' },
  { name: 'Abstain', className: 'abstain' },
] as const

interface TallyProps {
  forVotes: string
  againstVotes: string
  abstainVotes: string
  /** In wei of votes; null while it is not known. */
  quorumNeeded: string | null
  quorumReached: boolean | null
}

/** The votes of a proposal as one bar with the line of the quorum, and in figures. */
export function Tally({ forVotes, againstVotes, abstainVotes, quorumNeeded, quorumReached }: TallyProps) {
  const votes = { for: BigInt(forVotes), against: BigInt(againstVotes), abstain: BigInt(abstainVotes) }
  const cast = votes.for + votes.against + votes.abstain
  const counting = votes.for + votes.abstain
  const quorum = quorumNeeded === null ? null : BigInt(quorumNeeded)
  const scale = [cast, quorum ?? 0n].reduce((most, one) => (one > most ? one : most), 1n)
  const reached = quorumReached ? 'reached' : 'not reached'
  return (
    <>
      <div
        className="tally"
        role="img"
        aria-label={`For ${gopen(votes.for)}, against ${gopen(votes.against)}, abstain ${gopen(votes.abstain)} gOPEN${quorum === null ? '' : `; quorum ${gopen(quorum)}, ${reached}`}`}
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
            {quorumReached === null ? 'not known yet' : reached}{' '}
            <small>{quorum && quorum > 0n ? `${(share(counting, quorum) * 100).toFixed(0)} % of it` : ''}</small>
          </dd>
        </div>
      </dl>
    </>
  )
}
