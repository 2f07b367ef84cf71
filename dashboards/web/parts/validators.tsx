import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { exactly, gopen } from '../say/figures.ts'
import { plainReason } from '../say/reason.ts'
import { Account } from './account.tsx'
import { AllOf, Empty, Panel } from './panel.tsx'
import { useArtifact } from './specification.ts'
import { Standing } from './standing.tsx'

interface Evidence {
  validators?: { validator: string; reason: string; reliability?: string }[]
}

/** Who judges, what it earned them, and how they are trusted. */
export function Validators({ lifecycle }: { lifecycle: LifecycleAnswer | null }) {
  const validators = lifecycle?.validators.nodes ?? []
  const evidence = useArtifact(lifecycle?.settled.nodes[0]?.evidenceHash) as Evidence | null
  const reasonOf = (id: string) => evidence?.validators?.find((one) => one.validator.toLowerCase() === id)?.reason
  return (
    <Panel
      id="validators"
      title="Validators"
      aside={<AllOf path="/accounts" title="validators" total={lifecycle?.validators.totalCount} />}
      says="They compare answers. Skill is paid; carelessness costs stake; disagreeing is never fined."
    >
      {validators.length === 0 ? (
        <Empty ready={lifecycle !== null}>Nobody judges yet. Validators appear here once they stake.</Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <section className="table-scroll" aria-label="Rows of validators" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Account</th>
                <th scope="col" className="num">
                  Earned
                </th>
                <th scope="col" className="num">
                  Fined
                </th>
                <th scope="col" className="num">
                  Stake
                </th>
                <th scope="col">Reputation</th>
              </tr>
            </thead>
            <tbody>
              {validators.map((one) => (
                <tr key={one.id} data-validator={one.id}>
                  <td>
                    <Account id={one.id} />
                    {reasonOf(one.id) && <small className="reason">{plainReason(reasonOf(one.id) ?? null)}</small>}
                  </td>
                  <td className="num" title={exactly(one.earned)}>
                    {gopen(one.earned)}
                  </td>
                  <td className={`num ${one.lost === '0' ? 'quiet' : 'bad'}`} title={exactly(one.lost)}>
                    {gopen(one.lost)}
                  </td>
                  <td className="num" title={exactly(one.stake)}>
                    {gopen(one.stake)}
                  </td>
                  <td>
                    <Standing standings={one.reputations} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Panel>
  )
}
