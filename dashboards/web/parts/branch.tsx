import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import { ask } from '../data/ask.ts'
import { LINEAGE, type LineageEdgeFacts, type LineageNodeFacts } from '../data/documents/lineage.ts'
import { count } from '../say/figures.ts'
import { amountOf, eventOfEdge, pageOfNode, RELATIONS } from '../say/lineage.ts'
import { PageLink } from './pageLink.tsx'

type Direction = 'causes' | 'effects'

/** The edges of one question to the API. */
const PAGE_EDGES = 300
/** Of the edges to versions one generation away, which come first. */
const MAX_RELATIVES = 40
/** Of one relation, before the others are asked for. */
const SHOWN = 8
const MAX_DEPTH = 12

interface Known {
  nodes: Map<string, LineageNodeFacts>
  edges: LineageEdgeFacts[]
  /** Null when all is known. */
  after: string | null
}

/** Everything that led directly to a node, or came directly of it; asked for page by page. */
function useBranch(of: string, direction: Direction) {
  const [known, setKnown] = useState<Known | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const read = async (before: Known | null, isWanted: () => boolean) => {
    try {
      const around = ask(LINEAGE, { of, direction, depth: 0, first: PAGE_EDGES, after: before?.after })
      const family = before ? null : ask(LINEAGE, { of, direction, depth: 1, first: MAX_RELATIVES })
      const pages = [(await family)?.lineage, (await around).lineage].filter((page) => page !== undefined)
      const last = pages.at(-1) as (typeof pages)[number]
      const isDirect = (edge: LineageEdgeFacts) => (direction === 'causes' ? edge.to : edge.from) === of
      const page: Known = {
        nodes: new Map([
          ...(before?.nodes ?? []),
          ...pages.flatMap(({ nodes }) => nodes.map((node) => [node.key, node] as const)),
        ]),
        edges: distinct([...(before?.edges ?? []), ...pages.flatMap(({ edges }) => edges.filter(isDirect))]),
        after: last.pageInfo.hasNextPage ? last.pageInfo.endCursor : null,
      }
      if (isWanted()) setKnown(page)
    } catch (error) {
      if (isWanted()) setFault((error as Error).message)
    }
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is read again when the node changes
  useEffect(() => {
    let isMounted = true
    setKnown(null)
    setFault(null)
    void read(null, () => isMounted)
    return () => {
      isMounted = false
    }
  }, [of, direction])
  return { known, fault, more: () => read(known, () => true) }
}

const distinct = (edges: readonly LineageEdgeFacts[]): LineageEdgeFacts[] => [
  ...new Map(edges.map((edge) => [`${edge.relation} ${edge.from} ${edge.to}`, edge])).values(),
]

interface BranchProps {
  of: string
  direction: Direction
  /** How far from the start. */
  depth?: number
}

/** One step of a lineage, by relation. Each node opens the next step. */
export function Branch({ of, direction, depth = 0 }: BranchProps) {
  const { known, fault, more } = useBranch(of, direction)
  if (fault) return <p className="empty">{fault}</p>
  if (!known) return <p className="empty">Reading…</p>
  const groups = Object.keys(RELATIONS).flatMap((relation) => {
    const edges = known.edges.filter((edge) => edge.relation === relation)
    return edges.length > 0 ? [{ relation, edges }] : []
  })
  if (groups.length === 0 && !known.after)
    return (
      <p className="empty">
        {direction === 'causes' ? 'Nothing led here: it is a beginning.' : 'Nothing came of it yet.'}
      </p>
    )
  return (
    <ul className="branch">
      {groups.map(({ relation, edges }) => (
        <Group key={relation} {...{ relation, edges, direction, depth }} nodes={known.nodes} isAll={!known.after} />
      ))}
      {known.after && (
        <li>
          <button type="button" className="plain-button" onClick={() => void more()}>
            Read the next {PAGE_EDGES} edges
          </button>
        </li>
      )}
    </ul>
  )
}

interface GroupProps {
  relation: string
  edges: readonly LineageEdgeFacts[]
  nodes: ReadonlyMap<string, LineageNodeFacts>
  direction: Direction
  depth: number
  /** Whether more of them may follow. */
  isAll: boolean
}

function Group({ relation, edges, nodes, direction, depth, isAll }: GroupProps) {
  const [all, setAll] = useState(false)
  const shown = all ? edges : edges.slice(0, SHOWN)
  return (
    <li className="relation">
      <h3>
        {RELATIONS[relation]?.[direction]}{' '}
        <small>{edges.length > 1 && `${count(edges.length)}${isAll ? '' : ' read so far'}`}</small>
      </h3>
      <ul>
        {shown.map((edge) => {
          const node = nodes.get(direction === 'causes' ? edge.from : edge.to)
          return node && <Step key={node.key} {...{ edge, node, nodes, direction, depth }} />
        })}
      </ul>
      {edges.length > shown.length && (
        <button type="button" className="plain-button" onClick={() => setAll(true)}>
          Show {count(edges.length - shown.length)} more
        </button>
      )}
    </li>
  )
}

interface StepProps {
  edge: LineageEdgeFacts
  node: LineageNodeFacts
  nodes: ReadonlyMap<string, LineageNodeFacts>
  direction: Direction
  depth: number
}

function Step({ edge, node, nodes, direction, depth }: StepProps) {
  const [isOpen, setOpen] = useState(false)
  const page = pageOfNode(node)
  const amount = amountOf(edge)
  return (
    <li className={isOpen ? 'step is-open' : 'step'} data-node={node.key}>
      <div className="step-head">
        {depth < MAX_DEPTH && (
          <button
            type="button"
            aria-expanded={isOpen}
            aria-label={`Go on from ${page.title}`}
            onClick={() => setOpen(!isOpen)}
          >
            <i className="twist" aria-hidden="true" />
          </button>
        )}
        <PageLink kind={page.kind} id={page.id}>
          {page.title}
        </PageLink>
        {amount && <small>{amount}</small>}
        <Link className="event-link" href={eventOfEdge(edge, nodes)}>
          event
        </Link>
      </div>
      {isOpen && <Branch of={node.key} direction={direction} depth={depth + 1} />}
    </li>
  )
}
