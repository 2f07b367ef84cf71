import { CONTRIBUTION, SAMPLE_TEXT } from '../data/documents/datanets.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { ContributionActs } from '../parts/acts.tsx'
import { Chip } from '../parts/chip.tsx'
import { EventTable } from '../parts/eventTable.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { ArtifactRef, PageLink } from '../parts/pageLink.tsx'
import { Panel } from '../parts/panel.tsx'
import { ScrollingText } from '../parts/scrollingText.tsx'
import { Reading } from '../parts/table.tsx'
import { count, measured, percent } from '../say/figures.ts'
import { plainReason, screeningRules } from '../say/reason.ts'
import { contributionState } from '../say/states.ts'
import { useId } from './useId.ts'

/** One sample: its text, its verdict with the reason, and what it did for the model. */
export function ContributionPage() {
  const id = useId()
  const { data, error } = useQuery(CONTRIBUTION, { id })
  const sample = data?.contribution
  if (!sample) return <Pending kind="Sample" id={id} error={error} missing={data !== null} />
  const rules = screeningRules(sample.reason)
  return (
    <>
      <PageHead
        kind="Sample"
        title={`Sample ${id}`}
        chip={<Chip state={contributionState(sample)} />}
        says={plainReason(sample.reason) || 'It waits for its score.'}
        acts={<ContributionActs id={id} />}
      />
      <div className="columns halves">
        <Panel id="text" title="What was given" says="As it was signed. Its name is the hash of its bytes.">
          <Text hash={sample.contentHash} />
        </Panel>
        <Panel id="facts" title="Verdict" says="What the rules measured, and what is at stake.">
          <Facts
            rows={[
              ['From', <Account key="from" id={sample.contributor} />],
              ['Datanet', <PageLink key="datanet" kind="datanet" id={sample.datanetId} />],
              sample.datanet
                ? [
                    'Model',
                    <PageLink key="model" kind="model" id={sample.datanet.modelId}>
                      {sample.datanet.model?.name ?? undefined}
                    </PageLink>,
                  ]
                : null,
              sample.datanet ? ['Licence', sample.datanet.licence] : null,
              ['Quality', sample.quality === null ? 'not scored yet' : percent(sample.quality)],
              [
                'New content',
                sample.uniqueness === null ? 'not scored yet' : percent(sample.uniqueness),
                'How much of it nobody had committed earlier',
              ],
              rules
                ? [
                    'Screening',
                    `rules, version ${rules}`,
                    'The version of the rules that look for secrets and personal data',
                  ]
                : null,
              ['Stake', <Amount key="stake" wei={sample.stake} />],
              sample.slashed !== '0'
                ? [
                    'Stake taken',
                    <span key="slashed" className="bad">
                      <Amount wei={sample.slashed} />
                    </span>,
                  ]
                : null,
              sample.forfeited ? ['Scoring fee', <Amount key="fee" wei={sample.forfeited} />] : null,
              [
                'Committed',
                `in block ${count(sample.committedBlock)}`,
                'Who committed first counts; the content was secret then.',
              ],
              ['Given', <When key="at" at={sample.submittedAt} />],
              ['Answers it shaped', count(sample.answers.totalCount)],
              [
                'Lineage',
                <PageLink key="lineage" kind="lineage" id={`Contribution:${id}`}>
                  what came of it
                </PageLink>,
              ],
            ]}
          />
        </Panel>
      </div>
      <Panel
        id="influence"
        title="What it did for the model"
        says="Measured for each version that learned from it, with twice the standard error."
      >
        {sample.influences.nodes.length === 0 ? (
          <p className="empty">Measured when a version is trained on it.</p>
        ) : (
          <ul className="plain-list">
            {sample.influences.nodes.map((one) => (
              <li key={one.id}>
                <PageLink kind="version" id={one.versionId} />{' '}
                <span>
                  {measured(one.influence)} ± {measured(2 * one.standardError)}
                </span>{' '}
                <small>
                  {one.weight > 0
                    ? `${percent(one.weight, 2)} of the version’s data reward`
                    : one.harmful
                      ? 'harms: costs stake'
                      : 'not told from chance'}
                </small>
              </li>
            ))}
          </ul>
        )}
        {sample.influences.totalCount > sample.influences.nodes.length && (
          <p className="quiet">
            The {sample.influences.nodes.length} largest of {count(sample.influences.totalCount)}.
          </p>
        )}
      </Panel>
      <EventTable args={{ contributionId: id }} />
    </>
  )
}

function Text({ hash }: { hash: string }) {
  const query = useQuery(SAMPLE_TEXT, { hash })
  const text = query.data?.artifact?.text
  return (
    <>
      {text ? (
        <ScrollingText label="The text of the sample">{readable(text)}</ScrollingText>
      ) : (
        <Reading
          query={query}
          empty="Its text is not stored here: it was taken down, withdrawn, or is kept by another host."
        />
      )}
      <p className="quiet above">
        Bytes: <ArtifactRef hash={hash} />
      </p>
    </>
  )
}

/** The fields of a JSON object, one below the other; any other text as it is. */
function readable(text: string): string {
  try {
    const value = JSON.parse(text) as unknown
    if (!value || typeof value !== 'object' || Array.isArray(value)) return text
    return Object.entries(value)
      .map(([field, content]) => `${field}\n  ${typeof content === 'string' ? content : JSON.stringify(content)}`)
      .join('\n\n')
  } catch {
    return text
  }
}
