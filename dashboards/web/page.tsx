import { useHouse } from './data/house.ts'
import { Contributors } from './parts/contributors.tsx'
import { Disputes } from './parts/disputes.tsx'
import { Epochs } from './parts/epochs.tsx'
import { Feed } from './parts/feed.tsx'
import { Header } from './parts/header.tsx'
import { Jobs } from './parts/jobs.tsx'
import { Lifecycle } from './parts/lifecycle.tsx'
import { Proposals } from './parts/proposals.tsx'
import { StewardPanel } from './parts/steward.tsx'
import { Validators } from './parts/validators.tsx'
import { Versions } from './parts/versions.tsx'

/** The whole page: the lifecycle first, then its parts in the order in which they happen. */
export function Page() {
  const house = useHouse()
  return (
    <>
      <a className="skip" href="#main">
        Skip to the lifecycle
      </a>
      <Header house={house} />
      <main id="main">
        <Lifecycle pulse={house.pulse} events={house.events} cut={house.cut} />
        <div className="columns">
          <Proposals pulse={house.pulse} />
          <Feed events={house.events} cut={house.cut} ready={house.pulse !== null} />
        </div>
        <StewardPanel steward={house.steward} />
        <Jobs pulse={house.pulse} curves={house.curves} />
        <Versions story={house.story} />
        <Contributors story={house.story} />
        <div className="columns even">
          <Validators story={house.story} />
          <div className="stack">
            <Epochs story={house.story} />
            <Disputes story={house.story} />
          </div>
        </div>
      </main>
      <footer>
        <p>
          Everything on this page comes from <a href="./graphql">/graphql</a>: open GraphQL over the chain’s events and
          the workers’ jobs. Amounts are in gOPEN, the native token wrapped one to one.
        </p>
      </footer>
    </>
  )
}
