import { MODELS } from '../data/documents/models.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { Amount, When } from '../parts/facts.tsx'
import { PageHead } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { TablePanel } from '../parts/table.tsx'

export function ModelsPage() {
  const query = useQuery(MODELS, usePageOf('models'))
  return (
    <>
      <PageHead
        kind="Models"
        title="Models"
        says="What communities own: each with its targets, its versions, and what it earned."
      />
      <TablePanel
        id="models"
        title="All models"
        says="Newest first. A model without a live version has not met its targets yet."
        query={query}
        rows={(answer) => answer.models}
        keyOf={(model) => model.id}
        columns={[
          {
            title: 'Model',
            cell: (model) => (
              <>
                <PageLink kind="model" id={model.id}>
                  <b className="lead">{model.name ?? `Model ${model.id}`}</b>
                </PageLink>
                <small className="reason">{model.specification?.purpose}</small>
              </>
            ),
          },
          { title: 'Licence', cell: (model) => model.specification?.licence ?? '—' },
          {
            title: 'Live version',
            cell: (model) =>
              model.liveVersionId ? (
                <PageLink kind="version" id={model.liveVersionId} />
              ) : (
                <span className="quiet">none yet</span>
              ),
          },
          { title: 'Versions', cell: (model) => model.versions.totalCount, isNumber: true },
          {
            title: 'Calls',
            cell: (model) => model.liveVersion?.totals.calls ?? 0,
            isNumber: true,
            hint: 'Of the live version',
          },
          { title: 'Staked', cell: (model) => <Amount wei={model.staked} />, isNumber: true },
          { title: 'Proposed by', cell: (model) => <Account id={model.proposer} /> },
          { title: 'Proposed', cell: (model) => <When at={model.proposedAt} /> },
        ]}
        empty="No model yet. Anybody may propose one with a bond."
      />
    </>
  )
}
