import { PROPOSAL, PROPOSAL_VOTES, type ProposalFacts } from '../data/documents/governance.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { ProposalActs } from '../parts/acts.tsx'
import { Chip } from '../parts/chip.tsx'
import { EventTable } from '../parts/eventTable.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { ArtifactRef, PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { Panel } from '../parts/panel.tsx'
import { SplitBar } from '../parts/splitBar.tsx'
import { TablePanel } from '../parts/table.tsx'
import { Tally } from '../parts/tally.tsx'
import { count, percent } from '../say/figures.ts'
import { proposalTitle } from '../say/reason.ts'
import { proposalFate, sideOf } from '../say/states.ts'
import { timelineOf } from '../say/timeline.ts'
import { useId } from './useId.ts'

/** What is proposed, who voted how and why, and what comes when. */
export function ProposalPage() {
  const id = useId()
  const { data, error } = useQuery(PROPOSAL, { id })
  const proposal = data?.proposal
  if (!proposal) return <Pending kind="Proposal" id={id} error={error} missing={data !== null} />
  const [model] = proposal.models.nodes
  return (
    <>
      <PageHead
        kind="Proposal"
        title={proposalTitle(proposal.description, model?.name)}
        chip={<Chip state={proposalFate(proposal.state)} />}
        says={model?.specification?.purpose}
        acts={<ProposalActs id={id} />}
      />
      <div className="columns">
        <Panel
          id="tally"
          title="Votes"
          says="Every vote counts the gOPEN that its voter had locked, or that was delegated to it, when voting began."
        >
          <Tally {...proposal} />
          <Facts
            rows={[
              ['Votes cast', count(proposal.votes.totalCount)],
              [
                'Turnout',
                proposal.turnout.share === null ? '—' : `${percent(proposal.turnout.share)} of all voting power`,
                'The power that voted, of all that could vote when voting began.',
              ],
              [
                'Fewest voters with a majority',
                count(proposal.concentration.nakamoto),
                'So many of the heaviest voters together hold more than half of the power that was cast.',
              ],
            ]}
          />
        </Panel>
        <Panel id="timeline" title="Timeline" says="What happened, and what comes when.">
          <Timeline proposal={proposal} />
        </Panel>
      </div>
      <Specification proposal={proposal} />
      <Votes id={id} />
      <EventTable args={{ proposalId: id }} />
    </>
  )
}

function Timeline({ proposal }: { proposal: ProposalFacts }) {
  return (
    <ol className="timeline">
      {timelineOf(proposal).map((step) => (
        <li key={step.title} className={`is-${step.state}`} aria-current={step.state === 'now' ? 'step' : undefined}>
          <b>{step.title}</b>
          {step.at ? <When at={step.at} /> : <span>{step.says}</span>}
        </li>
      ))}
    </ol>
  )
}

function Specification({ proposal }: { proposal: ProposalFacts }) {
  const [model] = proposal.models.nodes
  const [mandate] = model?.mandates.nodes ?? []
  const [split] = model?.splits.nodes ?? []
  const spec = model?.specification
  return (
    <Panel
      id="specification"
      title="What is proposed"
      says="The specification that was voted on, the targets that a version must meet, and what may be spent."
    >
      <Facts
        rows={[
          ['Proposed by', <Account key="by" id={proposal.proposer} />],
          model
            ? [
                'Model',
                <PageLink key="model" kind="model" id={model.id}>
                  {model.name ?? `Model ${model.id}`}
                </PageLink>,
              ]
            : null,
          spec ? ['Base model', <BaseModel key="base" name={spec.baseModel} />] : null,
          spec ? ['Licence', spec.licence] : null,
          spec?.baseLicence ? ['Licence of the base model', spec.baseLicence] : null,
          model
            ? [
                'Bond',
                <span key="bond">
                  <Amount wei={model.bond} />{' '}
                  <small>
                    {model.bondStatus === 'Locked'
                      ? 'locked'
                      : model.bondStatus === 'Returned'
                        ? 'returned'
                        : 'partly taken'}
                  </small>
                </span>,
                'Who proposes locks it; it goes back when the promise is kept.',
              ]
            : null,
          mandate ? ['Budget', <Amount key="budget" wei={mandate.budget} />] : null,
          mandate ? ['Spent', <Amount key="spent" wei={mandate.spent} />] : null,
          mandate ? ['Deadline', <When key="deadline" at={mandate.deadline} />] : null,
          model
            ? [
                'Specification',
                <ArtifactRef key="spec" hash={model.specHash}>
                  the document
                </ArtifactRef>,
              ]
            : null,
          proposal.governor ? ['Governor', `${proposal.governor.name || 'unnamed'}`] : null,
          [
            'Calls',
            `${count(proposal.targets.length)} on chain`,
            'What the timelock carries out when the proposal passes.',
          ],
        ]}
      />
      {model && model.targets.nodes.length > 0 && (
        <>
          <h3 className="above">Targets</h3>
          <ul className="targets">
            {model.targets.nodes.map((target) => (
              <li key={target.metric}>
                <i aria-hidden="true" /> {target.metric} ≥ {percent(target.minimum)}
                {target.mayFall ? ', and it may fall' : ', and it may not fall'}
              </li>
            ))}
          </ul>
        </>
      )}
      {split && (
        <>
          <h3 className="above">How revenue would be split</h3>
          <SplitBar split={split} />
        </>
      )}
      {!spec && <p className="prose above">{proposal.description.replace(/#proposer=.*$/, '')}</p>}
    </Panel>
  )
}

/** A stored base model has a hash, others a name. */
const BaseModel = ({ name }: { name: string }) =>
  /^0x[0-9a-f]{64}$/i.test(name) ? <ArtifactRef hash={name} /> : <span>{name}</span>

function Votes({ id }: { id: string }) {
  const query = useQuery(PROPOSAL_VOTES, { id, ...usePageOf('votes') })
  return (
    <TablePanel
      id="votes"
      title="Who voted, and why"
      says="The heaviest first."
      query={query}
      rows={(answer) => answer.proposal?.votes}
      keyOf={(vote) => vote.id}
      columns={[
        { title: 'Voter', cell: (vote) => <Account id={vote.voter} /> },
        {
          title: 'Side',
          cell: (vote) => (
            <span className="side">
              <i className={sideOf(vote.support).className} aria-hidden="true" /> {sideOf(vote.support).title}
            </span>
          ),
        },
        { title: 'Power', cell: (vote) => <Amount wei={vote.weight} />, isNumber: true },
        { title: 'Reason', cell: (vote) => vote.reason || <span className="quiet">none given</span> },
        { title: 'Cast', cell: (vote) => <When at={vote.castAt} /> },
      ]}
      empty="Nobody has voted yet."
    />
  )
}
