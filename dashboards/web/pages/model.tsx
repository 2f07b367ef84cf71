import { ModelActs } from '../parts/acts.tsx'
import { PageHead } from '../parts/page.tsx'
import { useId } from './useId.ts'

export function ModelPage() {
  const id = useId()
  return <PageHead kind="Model" title={id} acts={<ModelActs id={id} />} />
}
