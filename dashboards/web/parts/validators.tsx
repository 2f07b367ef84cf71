import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { exactly, gopen, percent } from '../say/figures.ts'
import { Account } from './account.tsx'
import { Empty, Panel } from './panel.tsx'
import { useArtifact } from './specification.ts'

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
      says="They compare answers. Skill is paid; carelessness costs stake; disagreeing is never fined."
    >
      {validators.length === 0 ? (
        <Empty ready={lifecycle !== null}>Nobody judges yet. Validators appear here once they stake.</Empty>
      ) : (
        <div className="table-scroll">
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
                    {reasonOf(one.id) && <small className="reason">{reasonOf(one.id)}</small>}
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
        </div>
      )}
    </Panel>
  )
}

type Standings = LifecycleAnswer['validators']['nodes'][number]['reputations']

function Standing({ standings }: { standings: Standings }) {
  if (standings.length === 0) return <span className="quiet">newcomer</span>
  return standings.map((one) => (
    <span key={one.domain} className="standing" title={`${one.domain}: lower bound of the record, tier ${one.tier}`}>
      <span className="meter" aria-hidden="true">
        <i style={{ width: `${one.value / 10_000}%` }} />
      </span>
      {percent(one.value, 0)} <small>tier {one.tier}</small>
    </span>
  ))
}
