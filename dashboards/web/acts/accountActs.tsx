import { useSession } from '../wallet/session.ts'
import { ActButton } from './actButton.tsx'

/** What the connected account can do with its own: nothing on the pages of others. */
export function AccountActs({ id }: { id: string }) {
  const session = useSession()
  if (session.kind !== 'ready' || session.account.toLowerCase() !== id.toLowerCase()) return null
  return (
    <>
      <ActButton act="claim" />
      <ActButton act="delegate" />
      <ActButton act="judge" />
      <ActButton act="wrap" />
      <ActButton act="unwrap" />
    </>
  )
}
