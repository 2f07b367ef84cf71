import type { Job } from '../data/documents/common.ts'
import { CURVES, LIFECYCLE, OVERVIEW, type OverviewAnswer, STEWARD } from '../data/documents/overview.ts'
import { useNews } from '../data/news.ts'
import { useQuery } from '../data/useQuery.ts'
import { useRecentEvents } from '../data/useRecentEvents.ts'
import { Contributors } from '../parts/contributors.tsx'
import { NewestDisputes } from '../parts/disputes.tsx'
import { Epochs } from '../parts/epochs.tsx'
import { Feed } from '../parts/feed.tsx'
import { Jobs } from '../parts/jobs.tsx'
import { Lifecycle } from '../parts/lifecycle.tsx'
import { useTitle } from '../parts/page.tsx'
import { Proposals } from '../parts/proposals.tsx'
import { StewardPanel } from '../parts/steward.tsx'
import { Validators } from '../parts/validators.tsx'
import { Versions } from '../parts/versions.tsx'

/** The first page: the lifecycle, then its parts in the order in which they happen. */
export function OverviewPage() {
  useTitle('live')
  const { jobs } = useNews()
  const asked = useQuery(OVERVIEW, undefined, 700).data
  const overview = asked && withJobs(asked, jobs)
  const { data: lifecycle } = useQuery(LIFECYCLE, undefined, 2500)
  const { events, cut } = useRecentEvents()
  return (
    <>
      <h1 className="tagline">
        The public life of community-owned AI models: <span>proposed, voted, trained, judged, served and paid for</span>
        , with every step on chain.
      </h1>
      <Lifecycle overview={overview} events={events} cut={cut} />
      <div className="columns">
        <Proposals overview={overview} />
        <Feed events={events} cut={cut} ready={overview !== null} />
      </div>
      <StewardPanel steward={useQuery(STEWARD).data} />
      <Jobs overview={overview} curves={useQuery(CURVES).data} />
      <Versions lifecycle={lifecycle} />
      <Contributors lifecycle={lifecycle} />
      <div className="columns even">
        <Validators lifecycle={lifecycle} />
        <div className="stack">
          <Epochs lifecycle={lifecycle} />
          <NewestDisputes lifecycle={lifecycle} />
        </div>
      </div>
    </>
  )
}

/** The same figures with the jobs as they were pushed, until the next answer. */
function withJobs(overview: OverviewAnswer, jobs: ReadonlyMap<string, Job>): OverviewAnswer {
  const update = (list: { nodes: Job[] }) => ({ ...list, nodes: list.nodes.map((one) => jobs.get(one.id) ?? one) })
  return { ...overview, open: update(overview.open), recent: update(overview.recent) }
}
