import { ago } from '#client/ago.ts'
import { StateActs } from '../acts/places.tsx'
import type { OverviewAnswer } from '../data/documents/overview.ts'
import { counted, gopen } from '../say/figures.ts'
import { proposalTitle } from '../say/reason.ts'
import { proposalFate, sideOf } from '../say/states.ts'
import { Account } from './account.tsx'
import { useChainNow } from './now.ts'
import { PageLink } from './pageLink.tsx'
import { AllOf, Empty, Panel } from './panel.tsx'
import { useSpecification } from './specification.ts'
import { Tally } from './tally.tsx'

type Proposal = OverviewAnswer['proposals']['nodes'][number]

/** Proposals with their tallies, as the Governor would report them now. */
export function Proposals({ overview }: { overview: OverviewAnswer | null }) {
  const proposals = overview?.proposals.nodes ?? []
  return (
    <Panel
      id="proposals"
      title="Proposals"
      aside={<AllOf path="/proposals" title="proposals" total={overview?.proposals.totalCount} />}
      says="Every vote counts the gOPEN that its voter had locked, or that was delegated to it, when voting began."
    >
      {proposals.length === 0 ? (
        <Empty ready={overview !== null}>
          No proposal yet. When someone proposes a model, its votes appear here as they are cast.
        </Empty>
      ) : (
        proposals.map((proposal) => <ProposalCard key={proposal.id} proposal={proposal} />)
      )}
    </Panel>
  )
}

function ProposalCard({ proposal }: { proposal: Proposal }) {
  const [model] = proposal.models.nodes
  const specification = useSpecification(model?.specHash)
  const now = useChainNow()
  const state = proposalFate(proposal.state)
  return (
    <article className="proposal">
      <header>
        <h3>
          <PageLink kind="proposal" id={proposal.id}>
            {proposalTitle(proposal.description, specification?.name)}
          </PageLink>
        </h3>
        <span className={`chip ${state.tone}`}>{state.title}</span>
      </header>
      {specification?.purpose && <p className="purpose">{specification.purpose}</p>}
      <Tally {...proposal} />
      {proposal.votes.nodes.length > 0 && (
        <ul className="votes" aria-label="The heaviest votes">
          {proposal.votes.nodes.map((vote) => (
            <li key={vote.id} title={vote.reason || undefined}>
              <Account id={vote.voter} />
              <span>
                <i className={sideOf(vote.support).className} aria-hidden="true" /> {sideOf(vote.support).title}
              </span>
              <span className="num">{gopen(vote.weight)}</span>
            </li>
          ))}
        </ul>
      )}
      <p className="meta">
        Proposed by <Account id={proposal.proposer} />
        <span>
          <PageLink kind="proposal" id={proposal.id}>
            {counted(proposal.votes.totalCount, 'vote')}
          </PageLink>
        </span>
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
      <div className="acts">
        <StateActs proposalId={proposal.id} state={proposal.state} />
      </div>
    </article>
  )
}

/** Clock values above this are seconds since 1970; below it, block numbers. */
const SECONDS_FROM = 1_000_000_000
const ending = (clock: number, now: number) =>
  clock > SECONDS_FROM ? ago(new Date(clock * 1000).toISOString(), now) : `at block ${clock}`
