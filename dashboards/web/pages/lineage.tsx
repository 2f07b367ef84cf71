import { Branch } from '../parts/branch.tsx'
import { PageHead } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { Panel } from '../parts/panel.tsx'
import { pageOfNode } from '../say/lineage.ts'
import { useId } from './useId.ts'

const EXPORTS = [
  ['prov.json', 'PROV'],
  ['openlineage.json', 'OpenLineage'],
  ['croissant.json', 'Croissant'],
] as const

/** What led to a node and what came of it, opened step by step. The address names the node: `/lineage/ModelVersion:3`. */
export function LineagePage() {
  const key = useId()
  const [, kind = '', id = ''] = /^(\w+):(.+)$/s.exec(key) ?? []
  const page = pageOfNode({ key, kind, id, label: null })
  return (
    <>
      <PageHead
        kind="Lineage"
        title={`Lineage of ${page.title.toLowerCase()}`}
        says="Open a node to go on from it. Every edge has an event on the chain behind it."
      />
      <ul className="links">
        <li>
          <PageLink kind={page.kind} id={page.id}>
            The page of {page.title.toLowerCase()}
          </PageLink>
        </li>
        {kind === 'ModelVersion' &&
          EXPORTS.map(([file, title]) => (
            <li key={file}>
              <a href={`/versions/${encodeURIComponent(id)}/${file}`}>Export as {title}</a>
            </li>
          ))}
      </ul>
      <div className="columns halves" key={key}>
        <Panel id="causes" title="What led here" says="Votes, proposals, data, judgements and runs, with their weight.">
          <Branch of={key} direction="causes" />
        </Panel>
        <Panel
          id="effects"
          title="What came of it"
          says="Later versions, scores, endpoints, and the people whom it paid."
        >
          <Branch of={key} direction="effects" />
        </Panel>
      </div>
    </>
  )
}
