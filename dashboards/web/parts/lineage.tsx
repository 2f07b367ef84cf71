import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { count } from '../say/figures.ts'
import { verdictOf } from '../say/verdict.ts'
import { PageLink } from './pageLink.tsx'

type Model = LifecycleAnswer['models']['nodes'][number]
type Version = Model['versions']['nodes'][number]

const COLUMN = 178
const ROW = 118
const BOX = { width: 116, height: 46 }
const TOP = 34

interface Node {
  id: string
  version: Version | null
  column: number
  row: number
}

/** The family of a model's versions, left to right: what each was made from stands above it, what came of it below. */
export function Lineage({ model }: { model: Model }) {
  const nodes = place(model.versions.nodes)
  const width = (Math.max(...nodes.map((node) => node.column)) + 1) * COLUMN - (COLUMN - BOX.width) + 24
  const height = (Math.max(...nodes.map((node) => node.row)) + 1) * ROW + 6
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const x = (node: Node) => 12 + node.column * COLUMN
  const y = (node: Node) => TOP + node.row * ROW
  return (
    <figure className="lineage">
      <figcaption>
        <h3>Lineage</h3>
        <p>
          Above each version what it was made from, below it what came of it.{' '}
          <PageLink kind="lineage" id={`Model:${model.id}`}>
            Browse all of it
          </PageLink>
        </p>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="lineage-scroll" aria-label="Family of versions" tabIndex={0}>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          style={{ maxWidth: width, minWidth: Math.min(width, 440) }}
          role="img"
          aria-label={described(model, nodes)}
        >
          {nodes.map((node) => {
            const parent = node.version && byId.get(node.version.parentId ?? 'base')
            if (!parent) return null
            const [x1, y1, x2, y2] = [
              x(parent) + BOX.width,
              y(parent) + BOX.height / 2,
              x(node),
              y(node) + BOX.height / 2,
            ]
            const middle = (x1 + x2) / 2
            return (
              <path key={node.id} className="edge" d={`M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`} />
            )
          })}
          {nodes.map((node) => (
            <g
              key={node.id}
              transform={`translate(${x(node)} ${y(node)})`}
              className={`node is-${node.version ? verdictOf(model, node.version).kind : 'base'}`}
            >
              <rect width={BOX.width} height={BOX.height} rx="8" />
              <text className="name" x={BOX.width / 2} y="20" textAnchor="middle">
                {node.version ? `Version ${node.id}` : 'Base model'}
              </text>
              <text className="how" x={BOX.width / 2} y="36" textAnchor="middle">
                {node.version ? node.version.method : 'pre-trained'}
              </text>
              {node.version && madeFrom(node.version).length > 0 && (
                <text className="from" x={BOX.width / 2} y="-9" textAnchor="middle">
                  {madeFrom(node.version).join(' + ')}
                </text>
              )}
              {node.version &&
                cameOf(node.version).map((line, at) => (
                  <text key={line} className="to" x={BOX.width / 2} y={BOX.height + 15 + at * 13} textAnchor="middle">
                    {line}
                  </text>
                ))}
            </g>
          ))}
        </svg>
      </section>
    </figure>
  )
}

const madeFrom = (version: Version): string[] =>
  version.method === 'sft' && version.influences.totalCount > 0
    ? [`${count(version.influences.totalCount)} samples`]
    : version.method === 'sft'
      ? ['samples']
      : ['preferences']

function cameOf(version: Version): string[] {
  const lines: string[] = []
  const scores = version.evaluations.totalCount
  if (scores > 0) lines.push(`${scores} ${scores === 1 ? 'score' : 'scores'}`)
  if (version.feedbackTasks.totalCount > 0) lines.push(`${count(version.feedbackTasks.totalCount)} comparisons`)
  if (version.endpoints.nodes.length > 0) lines.push(`${count(version.receipts.totalCount)} calls served`)
  return lines
}

/** Each generation is a column; children stand level with or below their parent. */
function place(versions: readonly Version[]): Node[] {
  const known = new Set(versions.map((version) => version.id))
  const nodes: Node[] = []
  let row = 0
  const visit = (id: string, version: Version | null, column: number) => {
    nodes.push({ id, version, column, row })
    const children = versions
      .filter((one) => (one.parentId && known.has(one.parentId) ? one.parentId : 'base') === id)
      .sort((a, b) => Number(a.id) - Number(b.id))
    children.forEach((child, nth) => {
      if (nth > 0) row++
      visit(child.id, child, column + 1)
    })
  }
  visit('base', null, 0)
  return nodes
}

const described = (model: Model, nodes: readonly Node[]) =>
  nodes
    .flatMap(({ id, version }) =>
      version
        ? [
            `Version ${id}, ${verdictOf(model, version).title}, from ${version.parentId ? `version ${version.parentId}` : 'the base model'} by ${version.method}: ${[...madeFrom(version), ...cameOf(version)].join(', ')}`,
          ]
        : [],
    )
    .join('. ')
