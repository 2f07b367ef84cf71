import { VersionActs } from '../parts/acts.tsx'
import { PageHead } from '../parts/page.tsx'
import { useId } from './useId.ts'

export function VersionPage() {
  const id = useId()
  return <PageHead kind="Version" title={id} acts={<VersionActs id={id} />} />
}
