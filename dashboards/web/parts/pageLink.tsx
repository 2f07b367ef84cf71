import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { type Kind, pathOf } from '../paths.ts'
import { short } from '../say/figures.ts'

const NAMES: Record<Kind, string> = {
  proposal: 'Proposal',
  model: 'Model',
  version: 'Version',
  account: 'Account',
  datanet: 'Datanet',
  contribution: 'Sample',
  epoch: 'Epoch',
  job: 'Job',
  dispute: 'Dispute',
  event: 'Event',
  endpoint: 'Endpoint',
  comparison: 'Comparison',
  lineage: 'Lineage',
  search: 'Search',
}

interface PageLinkProps {
  kind: Kind
  id: string | number
  /** Instead of “Version 3”. */
  children?: ReactNode
}

/** A link to the page of a thing. */
export function PageLink({ kind, id, children }: PageLinkProps) {
  const text = String(id)
  return (
    <Link href={(pathOf[kind] as (id: string) => string)(text)} title={text.length > 14 ? text : undefined}>
      {children ?? `${NAMES[kind]} ${short(text)}`}
    </Link>
  )
}

/** A document that the chain names by its hash. */
export const ArtifactRef = ({ hash, children }: { hash: string; children?: ReactNode }) => (
  <a href={`/artifacts/${hash}`} title={hash}>
    {children ?? <code>{short(hash)}</code>}
  </a>
)
