import { roleReason, roleTitle } from '#client/rewardRoles.ts'
import type { EarningLine } from '../data/documents/people.ts'
import { count, exactly, gopen, share } from '../say/figures.ts'
import { PageLink } from './pageLink.tsx'

interface Inputs {
  pot?: string
  weight?: string
  whole?: string
  versionId?: string
}

const SOURCES = new Set(['contribution', 'version', 'endpoint', 'model'])

/** Why an account was paid in each epoch, line by line with the formula. The largest first; `max` of each epoch. */
export function Earnings({ reasons, max }: { reasons: readonly EarningLine[]; max: number }) {
  const byEpoch = new Map<number, EarningLine[]>()
  for (const reason of reasons) byEpoch.set(reason.epoch, [...(byEpoch.get(reason.epoch) ?? []), reason])
  const epochs = [...byEpoch].sort(([a], [b]) => b - a)
  return epochs.map(([epoch, lines]) => {
    const earned = lines.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
    return (
      <section key={epoch} className="epoch-lines">
        <h3>
          <PageLink kind="epoch" id={epoch} />: <span title={exactly(earned)}>{gopen(earned)} gOPEN</span>
        </h3>
        <ul className="lines">
          {lines.slice(0, max).map((reason) => (
            <Line key={`${reason.role}-${reason.source}-${(reason.inputs as Inputs).versionId}`} reason={reason} />
          ))}
        </ul>
        {lines.length > max && (
          <details>
            <summary>{count(lines.length - max)} more lines</summary>
            <ul className="lines">
              {lines.slice(max).map((reason) => (
                <Line key={`${reason.role}-${reason.source}-${(reason.inputs as Inputs).versionId}`} reason={reason} />
              ))}
            </ul>
          </details>
        )}
      </section>
    )
  })
}

function Line({ reason }: { reason: EarningLine }) {
  const { pot, weight, whole, versionId } = reason.inputs as Inputs
  return (
    <li>
      <span>
        <b title={exactly(reason.amount)}>{gopen(reason.amount)}</b> {roleTitle(reason.role)},{' '}
        <EarningSource source={reason.source} />
      </span>
      <small>
        for {roleReason(reason.role)}
        {versionId && (
          <>
            {' '}
            (<PageLink kind="version" id={versionId} />)
          </>
        )}
        {pot && weight && whole && (
          <>
            {': '}
            <span className="formula" title={`floor(${pot} × ${weight} ÷ ${whole}) wei`}>
              {gopen(pot)} × {(share(weight, whole) * 100).toFixed(2)} %
            </span>
          </>
        )}
      </small>
    </li>
  )
}

/** What paid: `contribution:7`. */
export function EarningSource({ source }: { source: string }) {
  const [kind = '', id = ''] = source.split(':')
  if (kind === 'stake')
    return (
      <PageLink kind="account" id={id.toLowerCase()}>
        its stake
      </PageLink>
    )
  if (kind === 'pot') return <span title={source}>what nobody gets of {id}</span>
  if (SOURCES.has(kind)) return <PageLink kind={kind as 'contribution' | 'version' | 'endpoint' | 'model'} id={id} />
  return (
    <span title={source}>
      {kind} {id.slice(0, 10)}
    </span>
  )
}
