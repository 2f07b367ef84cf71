import { ProposalActs } from '../parts/acts.tsx'
import { PageHead } from '../parts/page.tsx'
import { useId } from './useId.ts'

export function ProposalPage() {
  const id = useId()
  return <PageHead kind="Proposal" title={id} acts={<ProposalActs id={id} />} />
}
