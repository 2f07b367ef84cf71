import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { gopen, short } from '../say/figures.ts'
import { Empty, Panel } from './panel.tsx'

const PARTS = [
  ['platform', 'Platform'],
  ['owner', 'Owner'],
  ['stakers', 'Stakers'],
  ['data', 'Data'],
  ['validators', 'Validators'],
  ['host', 'Host'],
] as const

/** How revenue is split, and what each epoch paid. */
export function Epochs({ lifecycle }: { lifecycle: LifecycleAnswer | null }) {
  const epochs = lifecycle?.rewardMaps.nodes ?? []
  const split = lifecycle?.models.nodes.find((model) => model.splits.nodes.length > 0)?.splits.nodes[0]
  return (
    <Panel
      id="epochs"
      title="Revenue"
      says="Each epoch’s fees are split by the mandate; the root of the map proves every share."
    >
      {split && (
        <>
          <div className="split-bar" aria-hidden="true">
            {PARTS.map(([part]) => (
              <i key={part} className={part} style={{ flexGrow: shareOf(split, part) }} />
            ))}
          </div>
          <ul className="split-key">
            {PARTS.map(([part, title]) => (
              <li key={part}>
                <i className={part} aria-hidden="true" /> {title}{' '}
                {(shareOf(split, part) / 100).toFixed(1).replace(/\.0$/, '')} %
              </li>
            ))}
          </ul>
        </>
      )}
      {epochs.length === 0 ? (
        <Empty ready={lifecycle !== null}>
          No epoch is settled. Once calls are paid, their fees are shared out here.
        </Empty>
      ) : (
        <ul className="epochs">
          {epochs.map((epoch) => (
            <li key={epoch.epoch}>
              <b>Epoch {epoch.epoch}</b>
              <span>
                {gopen(epoch.funded)} in, {gopen(epoch.total)} payable
              </span>
              <span
                className={`chip ${epoch.status === 'Published' ? 'is-good' : epoch.status === 'Cancelled' ? 'is-bad' : 'is-busy'}`}
              >
                {epoch.status === 'Published' ? 'published' : epoch.status === 'Cancelled' ? 'cancelled' : 'open'}
              </span>
              {epoch.root && <code title={epoch.root}>root {short(epoch.root)}</code>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

type Split = LifecycleAnswer['models']['nodes'][number]['splits']['nodes'][number]

/** Basis points of all fees: what is not the platform's is split by the rest. */
const shareOf = (split: Split, part: (typeof PARTS)[number][0]) =>
  part === 'platform' ? split.platform : (split[part] * (10_000 - split.platform)) / 10_000
