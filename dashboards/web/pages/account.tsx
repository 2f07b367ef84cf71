import { AccountActs } from '../parts/acts.tsx'
import { PageHead } from '../parts/page.tsx'
import { useId } from './useId.ts'

export function AccountPage() {
  const id = useId()
  return <PageHead kind="Account" title={id} acts={<AccountActs id={id} />} />
}
