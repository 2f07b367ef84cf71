import { useState } from 'react'
import {
  ACCOUNT,
  ACCOUNT_CLAIMS,
  ACCOUNT_CONTRIBUTIONS,
  ACCOUNT_JUDGEMENTS,
  ACCOUNT_VOTES,
  type AccountAnswer,
  VALIDATOR_ROUNDS,
} from '../data/documents/people.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account, Mark } from '../parts/account.tsx'
import { AccountActs } from '../parts/acts.tsx'
import { Chip } from '../parts/chip.tsx'
import { Earnings } from '../parts/earnings.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { Panel } from '../parts/panel.tsx'
import { Standing } from '../parts/standing.tsx'
import { Reading, TablePanel } from '../parts/table.tsx'
import { count, percent, short } from '../say/figures.ts'
import { plainReason, proposalTitle } from '../say/reason.ts'
import { contributionState, sideOf } from '../say/states.ts'
import { useId } from './useId.ts'

const ADDRESS = /^0x[0-9a-f]{40}$/

/** What an account gave, voted, judged and earned, and why. */
export function AccountPage() {
  const id = useId().toLowerCase()
  if (!ADDRESS.test(id)) return <Pending kind="Account" id={id} error={null} missing />
  return <KnownAccount key={id} account={id} />
}

function KnownAccount({ account }: { account: string }) {
  const { data, error } = useQuery(ACCOUNT, { account, id: account })
  if (!data) return <Pending kind="Account" id={account} error={error} missing={false} />
  const { contributor, validator } = data
  return (
    <>
      <PageHead
        kind="Account"
        title={short(account)}
        chip={<Mark id={account} />}
        says={<code className="whole">{account}</code>}
        acts={<AccountActs id={account} />}
      />
      <Panel id="totals" title="In all" says="Counted by the server over all rows.">
        <Totals answer={data} />
      </Panel>
      <Panel
        id="earnings"
        title="Why it earned this"
        says="Each line is the part of a pot by a weight; anybody can recompute it from the reward map."
      >
        {contributor.reasons.length === 0 ? (
          <p className="empty">
            No published epoch pays this account. Rewards follow when a version that learned from its samples serves, or
            its judgements trained one.
          </p>
        ) : (
          <div className="epoch-grid">
            <Earnings reasons={contributor.reasons} max={6} />
          </div>
        )}
      </Panel>
      {contributor.contributions > 0 && <Contributions account={account} />}
      {validator && <Judging account={account} />}
      <Votes account={account} />
      <Claims account={account} />
    </>
  )
}

function Totals({ answer }: { answer: AccountAnswer }) {
  const { contributor, validator, holders, delegators, rewardClaims, paymentChannels, models } = answer
  const waiting = BigInt(contributor.earned) - BigInt(contributor.claimed)
  return (
    <Facts
      rows={[
        ['Earned', <Amount key="earned" wei={contributor.earned} />, 'In published epochs'],
        [
          'Claimed',
          <span key="claimed">
            <Amount wei={contributor.claimed} /> <small>in {count(rewardClaims.totalCount)}</small>
          </span>,
        ],
        ['Waits to be claimed', <Amount key="waits" wei={waiting > 0n ? waiting : 0n} />],
        [
          'Samples',
          `${count(contributor.contributions)}: ${count(contributor.accepted)} accepted, ${count(contributor.rejected)} rejected`,
        ],
        contributor.uniqueness !== null ? ['New content', percent(contributor.uniqueness)] : null,
        contributor.slashed !== '0'
          ? [
              'Stake lost',
              <span key="lost" className="bad">
                <Amount wei={contributor.slashed} />
              </span>,
            ]
          : null,
        validator
          ? ['Judgements', `${count(validator.totals.judgements)}, ${count(validator.totals.revealed)} revealed`]
          : null,
        validator ? ['Earned by judging', <Amount key="judged" wei={validator.earned} />] : null,
        validator ? ['Fined', <Amount key="fined" wei={validator.lost} />] : null,
        validator ? ['Stake to judge', <Amount key="stake" wei={validator.stake} />] : null,
        validator ? ['Reputation', <Standing key="standing" standings={validator.reputations} />] : null,
        ...holders.nodes.map((one) => ['Balance', <Amount key={one.id} wei={one.balance} />] as const),
        ...holders.nodes.map((one) =>
          one.locked !== null ? (['Locked to vote', <Amount key={one.id} wei={one.locked} />] as const) : null,
        ),
        ...holders.nodes.map((one) => ['Voting power', <Amount key={one.id} wei={one.votes} />] as const),
        ...holders.nodes.map((one) =>
          one.delegate ? (['Votes through', <Account key={one.id} id={one.delegate} />] as const) : null,
        ),
        delegators.totalCount > 0 ? ['Votes for others', `${count(delegators.totalCount)} delegate to it`] : null,
        paymentChannels.totalCount > 0 ? ['Credit channels', count(paymentChannels.totalCount)] : null,
        models.totalCount > 0 ? ['Models proposed', count(models.totalCount)] : null,
      ]}
    />
  )
}

function Contributions({ account }: { account: string }) {
  const query = useQuery(ACCOUNT_CONTRIBUTIONS, { account, ...usePageOf('contributions') })
  return (
    <TablePanel
      id="contributions"
      title="Samples"
      says="What it gave, and what the rules said to it."
      query={query}
      rows={(answer) => answer.contributions}
      keyOf={(one) => one.id}
      columns={[
        { title: 'Sample', cell: (one) => <PageLink kind="contribution" id={one.id} /> },
        { title: 'Datanet', cell: (one) => <PageLink kind="datanet" id={one.datanetId} /> },
        { title: 'Verdict', cell: (one) => <Chip state={contributionState(one)} /> },
        { title: 'Reason', cell: (one) => <span className="reason-text">{plainReason(one.reason) || '—'}</span> },
        { title: 'Quality', cell: (one) => (one.quality === null ? '—' : percent(one.quality, 0)), isNumber: true },
        { title: 'New', cell: (one) => (one.uniqueness === null ? '—' : percent(one.uniqueness, 0)), isNumber: true },
        { title: 'Given', cell: (one) => <When at={one.submittedAt} /> },
      ]}
      empty="No samples."
    />
  )
}

const CHOICES = ['the first answer', 'the second answer', 'a tie']

function Judging({ account }: { account: string }) {
  const query = useQuery(ACCOUNT_JUDGEMENTS, { account, ...usePageOf('judgements') })
  return (
    <>
      <Rounds account={account} />
      <TablePanel
        id="judgements"
        title="Judgements"
        says="What it preferred. A judgement is secret until it is revealed."
        query={query}
        rows={(answer) => answer.judgements}
        keyOf={(one) => one.id}
        columns={[
          { title: 'Comparison', cell: (one) => <PageLink kind="comparison" id={one.taskId} /> },
          { title: 'Of', cell: (one) => (one.task ? <PageLink kind="version" id={one.task.versionId} /> : '—') },
          {
            title: 'Preferred',
            cell: (one) => (one.choice === null ? <span className="quiet">not revealed</span> : CHOICES[one.choice]),
          },
          {
            title: 'Confidence',
            cell: (one) => (one.confidence === null ? '—' : `${one.confidence} %`),
            isNumber: true,
          },
          { title: 'Earned', cell: (one) => <Amount wei={one.reward} />, isNumber: true },
          { title: 'Fined', cell: (one) => <Amount wei={one.penalty} />, isNumber: true },
        ]}
        empty="No judgements."
      />
    </>
  )
}

/** How skilled the rules found it in each round, in words and with intervals. */
function Rounds({ account }: { account: string }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <Panel
      id="rounds"
      title="How well it judged"
      says="What each settled round says about its skill, and what that paid."
    >
      {isOpen ? (
        <RoundList account={account} />
      ) : (
        <button type="button" className="plain-button" onClick={() => setOpen(true)}>
          Show the last rounds
        </button>
      )}
    </Panel>
  )
}

function RoundList({ account }: { account: string }) {
  const query = useQuery(VALIDATOR_ROUNDS, { account })
  const rounds = query.data?.validatorRounds ?? []
  if (rounds.length === 0) return <Reading query={query} empty="No round that it took part in is settled." />
  return (
    <ul className="rounds">
      {rounds.map((round) => (
        <li key={round.roundId}>
          <b>Round {round.roundId}</b>
          <Facts
            rows={[
              [
                'Known answers right',
                `${count(round.goldAnswered - round.goldFailed)} of ${count(round.goldAnswered)}`,
              ],
              [
                'Accuracy',
                `${percent(round.accuracy, 0)} (${percent(round.accuracyLower, 0)} to ${percent(round.accuracyUpper, 0)})`,
              ],
              ['Agreement with skilled peers', percent(round.agreement, 0)],
              ['Reliability', percent(round.reliability, 0)],
              ['Earned', <Amount key="earned" wei={round.reward} />],
              ['Fined', <Amount key="fined" wei={round.penalty} />],
            ]}
          />
        </li>
      ))}
    </ul>
  )
}

function Votes({ account }: { account: string }) {
  const query = useQuery(ACCOUNT_VOTES, { account, ...usePageOf('votes') })
  return (
    <TablePanel
      id="votes"
      title="Votes"
      says="On what it voted, how, and why."
      query={query}
      rows={(answer) => answer.votes}
      keyOf={(one) => one.id}
      columns={[
        {
          title: 'Proposal',
          cell: (one) => (
            <PageLink kind="proposal" id={one.proposalId}>
              {one.proposal ? proposalTitle(one.proposal.description, one.proposal.models.nodes[0]?.name) : undefined}
            </PageLink>
          ),
        },
        { title: 'Side', cell: (one) => sideOf(one.support).title },
        { title: 'Power', cell: (one) => <Amount wei={one.weight} />, isNumber: true },
        { title: 'Reason', cell: (one) => one.reason || <span className="quiet">none given</span> },
        { title: 'Cast', cell: (one) => <When at={one.castAt} /> },
      ]}
      empty="It has not voted yet."
    />
  )
}

function Claims({ account }: { account: string }) {
  const query = useQuery(ACCOUNT_CLAIMS, { account, ...usePageOf('claims') })
  return (
    <TablePanel
      id="claims"
      title="Claims"
      says="What it took from published epochs."
      query={query}
      rows={(answer) => answer.rewardClaims}
      keyOf={(one) => one.id}
      columns={[
        { title: 'Epoch', cell: (one) => <PageLink kind="epoch" id={one.map?.epoch ?? one.mapId} /> },
        { title: 'Amount', cell: (one) => <Amount wei={one.amount} />, isNumber: true },
        { title: 'Claimed', cell: (one) => <When at={one.claimedAt} /> },
      ]}
      empty="It has claimed nothing yet."
    />
  )
}
