import { lazy, Suspense, useEffect, useState } from 'react'
import { showAct, useFlow, useFlowOpen } from '../acts/flow.ts'
import { AccountMark } from '../parts/account.tsx'
import { reconnect, useSession } from './session.ts'

const WalletDialog = lazy(() => import('./walletDialog.tsx'))
const ActDialog = lazy(() => import('../acts/actDialog.tsx'))

/** Who acts on this page; the dialogs of the wallet and of the acts, which are loaded when they are opened. */
export function WalletButton() {
  const session = useSession()
  const flow = useFlow()
  const isActing = useFlowOpen()
  const [isOpen, setOpen] = useState(false)
  useEffect(reconnect, [])
  const running = flow?.phase === 'running' && !isActing
  return (
    <>
      {running && (
        <button type="button" className="act-button is-running" onClick={showAct}>
          Acting…
        </button>
      )}
      <button type="button" className="act-button" data-wallet={session.kind} onClick={() => setOpen(true)}>
        {session.kind === 'ready' ? (
          <span className="account" title={session.account}>
            <AccountMark id={session.account} />
          </span>
        ) : session.kind === 'connecting' ? (
          'Connecting…'
        ) : session.kind === 'none' ? (
          'Connect a wallet'
        ) : (
          'Wallet: look here'
        )}
      </button>
      <Suspense>
        {isOpen && <WalletDialog onClose={() => setOpen(false)} />}
        {isActing && <ActDialog />}
      </Suspense>
    </>
  )
}
