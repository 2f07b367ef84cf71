import { roleReason, roleTitle } from '#client/rewardRoles.ts'
import { EPOCH, EPOCH_CLAIMS, EPOCH_LINES } from '../data/documents/rewards.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { EpochActs } from '../parts/acts.tsx'
import { Chip } from '../parts/chip.tsx'
import { EarningSource } from '../parts/earnings.tsx'
import { EventTable } from '../parts/eventTable.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { ArtifactRef, PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { Panel } from '../parts/panel.tsx'
import { TablePanel } from '../parts/table.tsx'
import { count, gopen, share } from '../say/figures.ts'
import { epochState } from '../say/states.ts'
import { useId } from './useId.ts'

const HASH = /^0x[0-9a-f]{64}$/i

/** What came in during an epoch, who gets it, and why. */
export function EpochPage() {
  const id = useId()
  const { data, error } = useQuery(EPOCH, { epoch: id })
  const map = data?.rewardMap
  if (!map) return <Pending kind="Epoch" id={id} error={error} missing={data !== null} />
  const roles = map.lines.aggregate.groupBy
  const hash = map.uri?.replace(/^.*[/:]/, '') ?? ''
  return (
    <>
      <PageHead
        kind="Epoch"
        title={`Epoch ${map.epoch}`}
        chip={<Chip state={epochState(map.status)} />}
        says={`${gopen(map.funded)} gOPEN of fees came in; ${gopen(map.total)} gOPEN are payable by its reward map.`}
        acts={<EpochActs id={id} />}
      />
      <div className="columns halves">
        <Panel id="roles" title="To whom" says="By role, summed by the server over all lines.">
          {roles.length === 0 ? (
            <p className="empty">Its reward map is not known here yet.</p>
          ) : (
            <ul className="bars">
              {[...roles]
                .sort((a, b) => (BigInt(b.values.amount.sum ?? 0) > BigInt(a.values.amount.sum ?? 0) ? 1 : -1))
                .map(({ key, count: lines, values }) => (
                  <li key={key.role}>
                    <span title={`For ${roleReason(key.role ?? '')}`}>{roleTitle(key.role ?? '')}</span>
                    <span className="bar-track" aria-hidden="true">
                      <i
                        style={{
                          width: `${share(values.amount.sum ?? '0', map.total === '0' ? '1' : map.total) * 100}%`,
                        }}
                      />
                    </span>
                    <span className="num">
                      <Amount wei={values.amount.sum ?? '0'} unit={false} /> <small>in {count(lines)}</small>
                    </span>
                  </li>
                ))}
            </ul>
          )}
        </Panel>
        <Panel id="facts" title="Reward map" says="Anybody can compute it again and compare the root.">
          <Facts
            rows={[
              ['Root', map.root ? <code key="root">{map.root}</code> : 'not published'],
              [
                'Blocks',
                map.firstBlock !== null && map.lastBlock !== null
                  ? `${count(map.firstBlock)} to ${count(map.lastBlock)}`
                  : '—',
              ],
              map.publisher ? ['Published by', <Account key="by" id={map.publisher} />] : null,
              map.publishedAt ? ['Published', <When key="at" at={map.publishedAt} />] : null,
              [
                'Claimed',
                <span key="claimed">
                  <Amount wei={map.claims.aggregate.values.amount.sum ?? '0'} />{' '}
                  <small>in {count(map.claims.totalCount)} claims</small>
                </span>,
              ],
              ['Bond of the publisher', <Amount key="bond" wei={map.bond} />],
              map.bondReleasedTo ? ['Bond went to', <Account key="to" id={map.bondReleasedTo} />] : null,
              HASH.test(hash)
                ? [
                    'Document',
                    <ArtifactRef key="doc" hash={hash}>
                      the whole map
                    </ArtifactRef>,
                  ]
                : null,
              map.codeHash
                ? ['Code', <code key="code">{map.codeHash}</code>, 'The hash of the rules that computed it']
                : null,
            ]}
          />
        </Panel>
      </div>
      <Lines epoch={id} />
      <Claims epoch={id} />
      <EventTable args={{ epoch: id }} />
    </>
  )
}

function Lines({ epoch }: { epoch: string }) {
  const query = useQuery(EPOCH_LINES, { epoch, ...usePageOf('lines') })
  return (
    <TablePanel
      id="lines"
      title="Who gets what, and why"
      says="The largest first. Each is the part of a pot by a weight."
      query={query}
      rows={(answer) => answer.rewardMap?.lines}
      keyOf={(one) => one.id}
      columns={[
        { title: 'Account', cell: (one) => <Account id={one.account} /> },
        { title: 'Amount', cell: (one) => <Amount wei={one.amount} />, isNumber: true },
        { title: 'As', cell: (one) => roleTitle(one.role) },
        { title: 'Because of', cell: (one) => <EarningSource source={one.source} /> },
        {
          title: 'Through',
          cell: (one) => {
            const { versionId } = one.inputs as { versionId?: string }
            return versionId ? <PageLink kind="version" id={versionId} /> : '—'
          },
        },
        {
          title: 'How much',
          cell: (one) => {
            const { pot, weight, whole } = one.inputs as { pot?: string; weight?: string; whole?: string }
            return pot && weight && whole ? (
              <span className="formula" title={`floor(${pot} × ${weight} ÷ ${whole}) wei`}>
                {gopen(pot)} × {(share(weight, whole) * 100).toFixed(2)} %
              </span>
            ) : (
              '—'
            )
          },
        },
      ]}
      empty="Its lines are not known here yet."
    />
  )
}

function Claims({ epoch }: { epoch: string }) {
  const query = useQuery(EPOCH_CLAIMS, { epoch, ...usePageOf('claims') })
  return (
    <TablePanel
      id="claims"
      title="Claims"
      says="Who has taken its share."
      query={query}
      rows={(answer) => answer.rewardMap?.claims}
      keyOf={(one) => one.id}
      columns={[
        { title: 'Account', cell: (one) => <Account id={one.account} /> },
        { title: 'Amount', cell: (one) => <Amount wei={one.amount} />, isNumber: true },
        { title: 'Claimed', cell: (one) => <When at={one.claimedAt} /> },
      ]}
      empty="Nobody has claimed from this epoch yet."
    />
  )
}
