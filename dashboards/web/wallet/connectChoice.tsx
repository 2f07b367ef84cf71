import { useEffect, useState } from 'react'
import type { ServedDeployment } from '#client/deployment.ts'
import { switchChain } from './network.ts'
import { connectWallet, servedDeployment, TEST_WALLET, useWallets } from './session.ts'
import type { Session } from './sessionKinds.ts'
import { hasTestChain } from './testChain.ts'

/** The wallets of this browser, and what keeps one from being used. */
export function ConnectChoice({ session }: { session: Session }) {
  const wallets = useWallets()
  const [chosen, setChosen] = useState<string>()
  const [deployment, setDeployment] = useState<ServedDeployment | Error>()
  useEffect(() => {
    servedDeployment().then(setDeployment, setDeployment)
  }, [])
  const connect = (id: string, acceptContracts = false) => {
    setChosen(id)
    void connectWallet(id, { acceptContracts })
  }
  if (deployment instanceof Error)
    return (
      <p className="act-fault" role="alert">
        {deployment.message}
      </p>
    )
  return (
    <>
      {wallets.length === 0 && (
        <p>
          This browser has no wallet that announces itself. Install one as an extension, such as MetaMask or Rabby, and
          load this page again.
        </p>
      )}
      <ul className="wallets">
        {wallets.map(({ id, name, icon }) => (
          <li key={id}>
            <button type="button" className="wallet-choice" onClick={() => connect(id)}>
              {icon && <img src={icon} alt="" />}
              {name}
            </button>
          </li>
        ))}
        {deployment && hasTestChain(deployment) && (
          <li>
            <button type="button" className="wallet-choice" onClick={() => connect(TEST_WALLET)}>
              Test wallet, with test money
            </button>
            <small>
              For the chain on this machine only. This page makes the key and keeps it in this browser, unprotected; it
              leaves the browser never. Never send real money to it.
            </small>
          </li>
        )}
      </ul>
      <Hindrance session={session} onAccept={() => connect(chosen ?? wallets[0]?.id ?? TEST_WALLET, true)} />
      {deployment && <Contracts deployment={deployment} />}
    </>
  )
}

function Hindrance({ session, onAccept }: { session: Session; onAccept(): void }) {
  const [fault, setFault] = useState<string>()
  if (session.kind === 'connecting') return <p role="status">Asking {session.name}: answer in the wallet.</p>
  if (session.kind === 'failed')
    return (
      <p className="act-fault" role="alert">
        {session.reason}
      </p>
    )
  if (session.kind === 'wrongChain') {
    const { deployment, provider, found, name } = session
    return (
      <div className="act-fault" role="alert">
        <p>
          {name} is on chain {found}; the contracts are on chain {deployment.chainId}. Nothing can be signed there.
        </p>
        {deployment.nodeUrl && (
          <p>
            A wallet that does not know chain {deployment.chainId} is offered the node <code>{deployment.nodeUrl}</code>
            , which this API names: accept it only if you trust it to tell you your balances.
          </p>
        )}
        <button
          type="button"
          className="act-button"
          onClick={() =>
            void switchChain(provider, deployment).then(
              () => setFault(undefined),
              (error: Error) => setFault(error.message),
            )
          }
        >
          Switch to chain {deployment.chainId}
        </button>
        {fault && <p>{fault}</p>}
      </div>
    )
  }
  if (session.kind === 'otherContracts')
    return (
      <div className="act-fault" role="alert">
        <p>
          This API names other contracts than those that this browser dealt with before ({session.changed.join(', ')}).
          Either the system was deployed anew, or the API is lying. Compare the addresses below with those that its
          operator has published before you accept them.
        </p>
        <button type="button" className="act-button" onClick={onAccept}>
          I have compared them: use these contracts
        </button>
      </div>
    )
  return null
}

function Contracts({ deployment }: { deployment: ServedDeployment }) {
  return (
    <details className="contracts">
      <summary>The contracts that you will deal with, on chain {deployment.chainId}</summary>
      <dl>
        {Object.entries(deployment.addresses).map(([name, address]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{address}</code>
            </dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
