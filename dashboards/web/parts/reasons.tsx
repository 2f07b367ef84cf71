import { useEffect, useState } from 'react'
import { ask } from '../data/ask.ts'
import { REASONS, type ReasonsAnswer } from '../data/documents/overview.ts'
import { count, measured, percent } from '../say/figures.ts'
import { plainReason } from '../say/reason.ts'
import { Earnings } from './earnings.tsx'
import { PageLink } from './pageLink.tsx'

type Sample = ReasonsAnswer['contributions']['nodes'][number]
type Reason = ReasonsAnswer['contributor']['reasons'][number]

const SHOWN = 6

/** Why an account earned what it did: the reward lines with their formula, the verdicts, the influence of its samples. */
export function Reasons({ account, summary }: { account: string; summary: string }) {
  const [answer, setAnswer] = useState<ReasonsAnswer | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  useEffect(() => {
    let wanted = true
    ask(REASONS, { account }).then(
      (found) => wanted && setAnswer(found),
      (error: Error) => wanted && setFault(`${error.message} Close the row and open it again.`),
    )
    return () => {
      wanted = false
    }
  }, [account])
  if (fault) return <p className="empty">{fault}</p>
  if (!answer) return <p className="empty">Reading why…</p>
  const samples = answer.contributions.nodes
  return (
    <div className="why-in">
      <Lines reasons={answer.contributor.reasons} />
      <Verdicts samples={samples} summary={summary} />
      <Influence samples={samples} />
    </div>
  )
}

function Lines({ reasons }: { reasons: readonly Reason[] }) {
  return (
    <section>
      <h4>What paid</h4>
      {reasons.length === 0 ? (
        <p className="empty">
          No published epoch pays this account. Rewards follow when a version that learned from its samples serves.
        </p>
      ) : (
        <Earnings reasons={reasons} max={SHOWN} />
      )}
    </section>
  )
}

function Verdicts({ samples, summary }: { samples: readonly Sample[]; summary: string }) {
  const groups = new Map<string, { status: Sample['status']; size: number }>()
  for (const { status, reason, excluded } of samples) {
    const key = excluded ? 'Excluded by an upheld dispute.' : plainly(plainReason(reason) || 'Not scored yet.')
    const group = groups.get(key) ?? { status, size: 0 }
    group.size++
    groups.set(key, group)
  }
  const sorted = [...groups].sort(([, a], [, b]) => b.size - a.size)
  return (
    <section>
      <h4>
        Verdicts <small>{summary}</small>
      </h4>
      <ul className="verdicts">
        {sorted.slice(0, SHOWN).map(([reason, { status, size }]) => (
          <li key={reason} className={`is-${status.toLowerCase()}`}>
            <b>{size} ×</b> {reason}
          </li>
        ))}
      </ul>
      {sorted.length > SHOWN && <p className="more">and {sorted.length - SHOWN} other reasons</p>}
    </section>
  )
}

/** The same reason for different samples is one reason. */
const plainly = (reason: string) =>
  reason
    .replace(/is in (?:\d|earlier).*$/, 'is in earlier samples.')
    .replace(/as contribution \d+/, 'as another sample')
    .replace(/^\d+(\.\d+)? ?% of it/, 'Most of it')
    .replace(/\d+(\.\d+)? ?% new/, 'partly new')
    .replace(/\b\d+ characters/, 'too many characters')

function Influence({ samples }: { samples: readonly Sample[] }) {
  const all = samples.flatMap((sample) => sample.influences.nodes.map((one) => ({ ...one, id: sample.id })))
  const helpful = all.filter((one) => one.significant && one.weight > 0).length
  const harmful = all.filter((one) => one.harmful).length
  const shown = [...all]
    .sort((a, b) => b.weight - a.weight || Math.abs(b.influence) - Math.abs(a.influence))
    .slice(0, SHOWN)
  const reach = Math.max(1e-12, ...shown.map((one) => Math.abs(one.influence) + 2 * one.standardError))
  const at = (value: number) => 50 + (value / reach) * 48
  return (
    <section>
      <h4>
        Influence on the model{' '}
        <small>{all.length > 0 && `${helpful} count, ${harmful} harm, of ${count(all.length)}`}</small>
      </h4>
      {all.length === 0 ? (
        <p className="empty">Measured when a version is trained on these samples.</p>
      ) : (
        <ul className="influences">
          {shown.map((one) => (
            <li
              key={`${one.id}-${one.versionId}`}
              className={one.harmful ? 'is-harmful' : one.significant ? 'is-helpful' : 'is-unsure'}
            >
              <span>
                <PageLink kind="contribution" id={one.id} />
              </span>
              <svg
                viewBox="0 0 100 12"
                preserveAspectRatio="none"
                role="img"
                aria-label={`influence ${measured(one.influence)} ± ${measured(2 * one.standardError)}`}
              >
                <line className="zero" x1="50" x2="50" y1="0" y2="12" />
                <line
                  className="span"
                  x1={at(one.influence - 2 * one.standardError)}
                  x2={at(one.influence + 2 * one.standardError)}
                  y1="6"
                  y2="6"
                />
                <line className="mean" x1={at(one.influence)} x2={at(one.influence)} y1="2" y2="10" />
              </svg>
              <small>
                {one.weight > 0
                  ? `${percent(one.weight, 2)} of version ${one.versionId}`
                  : one.harmful
                    ? 'harms: costs stake'
                    : 'not told from chance'}
              </small>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
