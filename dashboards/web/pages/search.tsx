import { useSearch } from 'wouter'
import { type FoundHit, SEARCH } from '../data/documents/search.ts'
import { useQuery } from '../data/useQuery.ts'
import { PageHead, useTitle } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { Pager, usePageOf } from '../parts/pages.tsx'
import { Panel } from '../parts/panel.tsx'
import { SearchForm } from '../parts/searchForm.tsx'
import { Reading } from '../parts/table.tsx'
import { short } from '../say/figures.ts'
import { proposalTitle } from '../say/reason.ts'

/** What a search found among models, proposals, accounts and samples. */
export function SearchResultsPage() {
  const text = new URLSearchParams(useSearch()).get('q')?.trim() ?? ''
  useTitle(text ? `Search: ${text}` : 'Search')
  return (
    <>
      <PageHead
        kind="Search"
        title={text ? `Search: ${text}` : 'Search'}
        says="Models, proposals, accounts and samples: by words, ids, and the beginnings of hashes and addresses."
      />
      <div className="search-big">
        <SearchForm key={text} text={text} label="Search everything" />
      </div>
      {text && <Hits key={text} text={text} />}
    </>
  )
}

function Hits({ text }: { text: string }) {
  const { after } = usePageOf('hits')
  const query = useQuery(SEARCH, { text, first: 25, after }, 10_000)
  const page = query.data?.search
  return (
    <Panel id="hits" title="Found" says="The best first.">
      {!page || page.nodes.length === 0 ? (
        <Reading query={query} empty="Nothing fits. Fewer or other words may." />
      ) : (
        <>
          <ul className="hits">
            {page.nodes.map((hit) => (
              <Hit key={`${hit.kind}-${hit.id}`} hit={hit} />
            ))}
          </ul>
          <Pager list="hits" info={page.pageInfo} shown={page.nodes.length} total={null} forward />
        </>
      )}
    </Panel>
  )
}

const KINDS = {
  model: { title: 'Model', kind: 'model' },
  proposal: { title: 'Proposal', kind: 'proposal' },
  account: { title: 'Account', kind: 'account' },
  sample: { title: 'Sample', kind: 'contribution' },
} as const

function Hit({ hit }: { hit: FoundHit }) {
  const { title, kind } = KINDS[hit.kind]
  return (
    <li>
      <span className="kind">{title}</span>
      <span className="hit-in">
        <PageLink kind={kind} id={hit.id}>
          <b className="lead">{nameOf(hit)}</b>
        </PageLink>
        {hit.excerpt && <small>{hit.excerpt}</small>}
      </span>
    </li>
  )
}

function nameOf({ kind, id, label }: FoundHit): string {
  if (kind === 'sample') return `Sample ${id}${label ? `, from ${short(label)}` : ''}`
  if (kind === 'account') return id
  return proposalTitle(label ?? '', null) === 'Untitled proposal'
    ? `${KINDS[kind].title} ${short(id)}`
    : proposalTitle(label ?? '')
}
