import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { gopen, short } from '../say/figures.ts'
import { epochState } from '../say/states.ts'
import { Chip } from './chip.tsx'
import { PageLink } from './pageLink.tsx'
import { AllOf, Empty, Panel } from './panel.tsx'
import { SplitBar } from './splitBar.tsx'

/** How revenue is split, and what each epoch paid. */
export function Epochs({ lifecycle }: { lifecycle: LifecycleAnswer | null }) {
  const epochs = lifecycle?.rewardMaps.nodes ?? []
  const split = lifecycle?.models.nodes.find((model) => model.splits.nodes.length > 0)?.splits.nodes[0]
  return (
    <Panel
      id="epochs"
      title="Revenue"
      aside={<AllOf path="/epochs" title="epochs" total={lifecycle?.rewardMaps.totalCount} />}
      says="Each epoch’s fees are split by the mandate; the root of the map proves every share."
    >
      {split && <SplitBar split={split} />}
      {epochs.length === 0 ? (
        <Empty ready={lifecycle !== null}>
          No epoch is settled. Once calls are paid, their fees are shared out here.
        </Empty>
      ) : (
        <ul className="epochs">
          {epochs.map((epoch) => (
            <li key={epoch.epoch}>
              <b>
                <PageLink kind="epoch" id={epoch.epoch} />
              </b>
              <span>
                {gopen(epoch.funded)} in, {gopen(epoch.total)} payable
              </span>
              <Chip state={epochState(epoch.status)} />
              {epoch.root && <code title={epoch.root}>root {short(epoch.root)}</code>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
