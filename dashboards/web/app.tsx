import { lazy, Suspense, useEffect } from 'react'
import { Route, Switch } from 'wouter'
import { OverviewPage } from './pages/overview.tsx'
import { Header } from './parts/header.tsx'
import { PageHead } from './parts/page.tsx'

/** Every page by its path. All but the first are loaded when they are opened. */
const PAGES = {
  '/proposals': lazy(async () => ({ default: (await import('./pages/proposals.tsx')).ProposalsPage })),
  '/proposals/:id': lazy(async () => ({ default: (await import('./pages/proposal.tsx')).ProposalPage })),
  '/models': lazy(async () => ({ default: (await import('./pages/models.tsx')).ModelsPage })),
  '/models/:id': lazy(async () => ({ default: (await import('./pages/model.tsx')).ModelPage })),
  '/versions/:id': lazy(async () => ({ default: (await import('./pages/version.tsx')).VersionPage })),
  '/endpoints/:id': lazy(async () => ({ default: (await import('./pages/endpoint.tsx')).EndpointPage })),
  '/comparisons/:id': lazy(async () => ({ default: (await import('./pages/comparison.tsx')).ComparisonPage })),
  '/accounts': lazy(async () => ({ default: (await import('./pages/accounts.tsx')).AccountsPage })),
  '/accounts/:id': lazy(async () => ({ default: (await import('./pages/account.tsx')).AccountPage })),
  '/datanets': lazy(async () => ({ default: (await import('./pages/datanets.tsx')).DatanetsPage })),
  '/datanets/:id': lazy(async () => ({ default: (await import('./pages/datanet.tsx')).DatanetPage })),
  '/contributions/:id': lazy(async () => ({ default: (await import('./pages/contribution.tsx')).ContributionPage })),
  '/epochs': lazy(async () => ({ default: (await import('./pages/epochs.tsx')).EpochsPage })),
  '/epochs/:id': lazy(async () => ({ default: (await import('./pages/epoch.tsx')).EpochPage })),
  '/jobs': lazy(async () => ({ default: (await import('./pages/jobs.tsx')).JobsPage })),
  '/jobs/:id': lazy(async () => ({ default: (await import('./pages/job.tsx')).JobPage })),
  '/disputes': lazy(async () => ({ default: (await import('./pages/disputes.tsx')).DisputesPage })),
  '/disputes/:id': lazy(async () => ({ default: (await import('./pages/dispute.tsx')).DisputePage })),
  '/events': lazy(async () => ({ default: (await import('./pages/events.tsx')).EventsPage })),
  '/events/:id': lazy(async () => ({ default: (await import('./pages/event.tsx')).EventPage })),
  '/lineage/:id': lazy(async () => ({ default: (await import('./pages/lineage.tsx')).LineagePage })),
  '/search': lazy(async () => ({ default: (await import('./pages/search.tsx')).SearchResultsPage })),
} as const

/** The application: the header, one page, and what all figures come from. */
export function App() {
  useScrollToTop()
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<p className="empty">Reading…</p>}>
          <Switch>
            <Route path="/" component={OverviewPage} />
            {Object.entries(PAGES).map(([path, Page]) => (
              <Route key={path} path={path} component={Page} />
            ))}
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </main>
      <footer>
        <p>
          Everything here comes from <a href="/graphql">/graphql</a>: open GraphQL over the chain’s events and the
          workers’ jobs. Amounts are in gOPEN, the native token wrapped one to one. Times are in your zone; what happens
          on chain has the time of its block.
        </p>
      </footer>
    </>
  )
}

const NotFound = () => (
  <PageHead
    kind="Not found"
    title="There is no page at this address"
    says="Search above, or start from the overview."
  />
)

/** A page that is opened by a link starts at its top; the browser keeps its place when going back. */
function useScrollToTop(): void {
  useEffect(() => {
    let path = location.pathname
    const opened = () => {
      if (location.pathname !== path) scrollTo({ top: 0, behavior: 'instant' })
      path = location.pathname
    }
    const returned = () => {
      path = location.pathname
    }
    addEventListener('pushState', opened)
    addEventListener('popstate', returned)
    return () => {
      removeEventListener('pushState', opened)
      removeEventListener('popstate', returned)
    }
  }, [])
}
