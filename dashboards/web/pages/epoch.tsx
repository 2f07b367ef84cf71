import { EpochActs } from '../parts/acts.tsx'
import { PageHead } from '../parts/page.tsx'
import { useId } from './useId.ts'

export function EpochPage() {
  const id = useId()
  return <PageHead kind="Epoch" title={id} acts={<EpochActs id={id} />} />
}
