import { ContributionActs } from '../parts/acts.tsx'
import { PageHead } from '../parts/page.tsx'
import { useId } from './useId.ts'

export function ContributionPage() {
  const id = useId()
  return <PageHead kind="Sample" title={id} acts={<ContributionActs id={id} />} />
}
