import { COMPARISON } from '../data/documents/models.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { ComparisonActs } from '../parts/acts.tsx'
import { EventTable } from '../parts/eventTable.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { ArtifactRef, PageLink } from '../parts/pageLink.tsx'
import { Panel } from '../parts/panel.tsx'
import { ScrollingText } from '../parts/scrollingText.tsx'
import { useArtifact } from '../parts/specification.ts'
import { count } from '../say/figures.ts'
import { useId } from './useId.ts'

const CHOICES = ['the first answer', 'the second answer', 'a tie']

interface Item {
  prompt?: unknown
  answers?: unknown
}

/** A pair of answers, and how validators judged it. */
export function ComparisonPage() {
  const id = useId()
  const { data, error } = useQuery(COMPARISON, { id })
  const task = data?.feedbackTask
  const item = useArtifact(task?.itemHash) as Item | null
  if (!task) return <Pending kind="Comparison" id={id} error={error} missing={data !== null} />
  const answers = Array.isArray(item?.answers) ? item.answers.map(String) : []
  return (
    <>
      <PageHead
        kind="Comparison"
        title={`Comparison ${id}`}
        chip={
          <span className={`chip ${task.settled ? 'is-good' : 'is-busy'}`}>{task.settled ? 'settled' : 'open'}</span>
        }
        says="Two answers to the same prompt. Validators choose in secret, then reveal."
        acts={<ComparisonActs id={id} />}
      />
      <Panel id="item" title="What is compared" says="The prompt, and both answers.">
        {typeof item?.prompt === 'string' ? (
          <>
            <p className="prose">{item.prompt}</p>
            <div className="columns halves above">
              {answers.map((answer, place) => (
                <section key={CHOICES[place]}>
                  <h3>{place === 0 ? 'First answer' : 'Second answer'}</h3>
                  <ScrollingText label={place === 0 ? 'First answer' : 'Second answer'}>{answer}</ScrollingText>
                </section>
              ))}
            </div>
          </>
        ) : (
          <p className="empty">
            The item is sealed, or not stored here. Its bytes: <ArtifactRef hash={task.itemHash} />
          </p>
        )}
      </Panel>
      <Panel id="facts" title="The task" says="What it pays, and until when.">
        <Facts
          rows={[
            ['Of', <PageLink key="version" kind="version" id={task.versionId} />],
            [
              'Model',
              <PageLink key="model" kind="model" id={task.modelId}>
                {task.model?.name ?? undefined}
              </PageLink>,
            ],
            ['Domain', task.domain],
            ['Round', task.roundId],
            ['Pays at most', <Amount key="pot" wei={task.pot} />],
            ['Paid', <Amount key="paid" wei={task.paid} />],
            ['Judge until', <When key="commit" at={task.commitDeadline} />],
            ['Reveal until', <When key="reveal" at={task.revealDeadline} />],
            task.evidenceHash ? ['Evidence', <ArtifactRef key="evidence" hash={task.evidenceHash} />] : null,
          ]}
        />
      </Panel>
      <Panel id="judgements" title="Judgements" says="A judgement is secret until it is revealed.">
        {task.judgements.nodes.length === 0 ? (
          <p className="empty">Nobody has judged it yet.</p>
        ) : (
          <ul className="plain-list">
            {task.judgements.nodes.map((one) => (
              <li key={one.id}>
                <Account id={one.validator} />{' '}
                {one.choice === null ? (
                  <span className="quiet">not revealed</span>
                ) : (
                  `preferred ${CHOICES[one.choice]}, ${one.confidence} % sure`
                )}
                {one.reward !== '0' && (
                  <>
                    {' '}
                    · earned <Amount wei={one.reward} />
                  </>
                )}
                {one.penalty !== '0' && (
                  <span className="bad">
                    {' '}
                    · fined <Amount wei={one.penalty} />
                  </span>
                )}
              </li>
            ))}
          </ul>
        )}
        {task.judgements.totalCount > task.judgements.nodes.length && (
          <p className="quiet">
            {task.judgements.nodes.length} of {count(task.judgements.totalCount)}.
          </p>
        )}
      </Panel>
      <EventTable args={{ taskId: id }} />
    </>
  )
}
