import { useEffect, useState } from 'react'
import { openAct } from '../acts/flow.ts'
import { ACT_TITLES, type ActName } from '../acts/inputs.ts'
import { forgetUnfinished, type UnfinishedAct, unfinishedActs } from '../acts/unfinished.ts'
import { Account } from '../parts/account.tsx'
import { ApiKeyField } from './apiKeyField.tsx'
import { Balances } from './balances.tsx'
import { ConnectChoice } from './connectChoice.tsx'
import { Dialog } from './dialog.tsx'
import { disconnectWallet, useSession } from './session.ts'
import type { Ready } from './sessionKinds.ts'

/** The acts about one's own tokens, which no page is about. */
const OWN_ACTS: ActName[] = ['wrap', 'unwrap', 'delegate', 'requestUnlock', 'unlock', 'claim', 'judge']

/** Who acts here: the wallets to choose from, or the connected account. */
export default function WalletDialog({ onClose }: { onClose(): void }) {
  const session = useSession()
  return (
    <Dialog title={session.kind === 'ready' ? 'Your account' : 'Connect a wallet'} onClose={onClose}>
      {session.kind === 'ready' ? <Own session={session} onClose={onClose} /> : <ConnectChoice session={session} />}
    </Dialog>
  )
}

function Own({ session, onClose }: { session: Ready; onClose(): void }) {
  const { account, name } = session
  return (
    <>
      <p>
        <Account id={account} /> <small>{name}</small>
      </p>
      <p className="full-address">
        <code>{account}</code>
      </p>
      <Balances client={session.client} account={account} />
      <Unfinished account={account} onClose={onClose} />
      <h3>What you can do with your tokens</h3>
      <div className="act-row">
        {OWN_ACTS.map((act) => (
          <button
            key={act}
            type="button"
            className="act-button"
            data-act={act}
            onClick={() => {
              onClose()
              openAct(act)
            }}
          >
            {ACT_TITLES[act]}
          </button>
        ))}
      </div>
      <ApiKeyField />
      <p className="act-row">
        <button type="button" className="plain" onClick={disconnectWallet}>
          Disconnect
        </button>
      </p>
    </>
  )
}

/** What a reload, a lost connection or a closed tab has cut off. */
function Unfinished({ account, onClose }: { account: string; onClose(): void }) {
  const [acts, setActs] = useState<UnfinishedAct[]>([])
  useEffect(() => setActs(unfinishedActs(account)), [account])
  if (acts.length === 0) return null
  const proceed = async ({ name, input, way }: UnfinishedAct) => {
    const { performAct } = await import('../acts/performAct.ts')
    onClose()
    openAct(name, input as Record<string, string>)
    await performAct(name, input, way)
  }
  return (
    <section className="unfinished" aria-label="Unfinished acts">
      <h3>Not finished</h3>
      {acts.map((act) => (
        <p key={JSON.stringify(act)} className="act-row">
          {ACT_TITLES[act.name]}
          <button type="button" className="act-button" onClick={() => void proceed(act)}>
            Continue
          </button>
          <button
            type="button"
            className="plain"
            onClick={() => {
              forgetUnfinished(account, act)
              setActs(unfinishedActs(account))
            }}
          >
            Forget
          </button>
        </p>
      ))}
      <small>What was sent is not sent again.</small>
    </section>
  )
}
