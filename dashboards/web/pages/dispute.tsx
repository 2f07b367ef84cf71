import { DisputeActs } from '../parts/acts.tsx'
import { PageHead } from '../parts/page.tsx'
import { useId } from './useId.ts'

export function DisputePage() {
  const id = useId()
  return <PageHead kind="Dispute" title={id} acts={<DisputeActs id={id} />} />
}
