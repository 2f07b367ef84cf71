import { DatanetActs } from '../parts/acts.tsx'
import { PageHead } from '../parts/page.tsx'
import { useId } from './useId.ts'

export function DatanetPage() {
  const id = useId()
  return <PageHead kind="Datanet" title={id} acts={<DatanetActs id={id} />} />
}
