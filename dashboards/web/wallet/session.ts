import { useSyncExternalStore } from 'react'
import type { EIP1193Provider } from 'viem'
import { readServedDeployment } from '#client/deployment.ts'
import { ClientError } from '#client/errors.ts'
import type { Session } from './sessionKinds.ts'
import { type FoundWallet, foundWallets, watchWallets } from './wallets.ts'

/** Which wallet is connected, and whether it can act here. What needs viem is loaded when somebody connects. */

/** The test wallet of this page, among the ids of wallets. */
export const TEST_WALLET = 'test'
const LAST = 'modelcommons/wallet'

let session: Session = { kind: 'none' }
const viewers = new Set<() => void>()
/** Of the newest attempt to connect: what an older one finds out later is dropped. */
let attempt = 0
let stopListening: () => void = () => {}

function put(next: Session): void {
  session = next
  for (const view of viewers) view()
}

const watch = (view: () => void) => {
  viewers.add(view)
  return () => viewers.delete(view)
}

export const useSession = (): Session => useSyncExternalStore(watch, () => session)
export const currentSession = (): Session => session
export const useWallets = (): readonly FoundWallet[] => useSyncExternalStore(watchWallets, foundWallets)

export const servedDeployment = () => readServedDeployment({ urls: [location.origin], patienceMs: 0 })

/** Connects to the wallet of the last visit, without asking anything. */
export function reconnect(): void {
  const id = localStorage.getItem(LAST)
  if (!id || session.kind !== 'none') return
  const isThere = () => id === TEST_WALLET || foundWallets().some((wallet) => wallet.id === id)
  const stop = watchWallets(tryOnce)
  tryOnce()
  function tryOnce() {
    if (!isThere()) return
    stop()
    void connectWallet(id as string, { silent: true })
  }
}

/** Opens the session anew, after something that it needs has changed. */
export function connectLast(): void {
  const id = localStorage.getItem(LAST)
  if (id) void connectWallet(id, { silent: true })
}

export function disconnectWallet(): void {
  attempt++
  stopListening()
  localStorage.removeItem(LAST)
  put({ kind: 'none' })
}

interface ConnectOptions {
  /** Only if the wallet allows it without asking its owner. */
  silent?: boolean
  /** The person has seen that the contracts are others than before, and accepts them. */
  acceptContracts?: boolean
}

/** Connects to a wallet by its id; what comes of it is the session. */
export async function connectWallet(id: string, { silent = false, acceptContracts = false }: ConnectOptions = {}) {
  const mine = ++attempt
  const found = foundWallets().find((wallet) => wallet.id === id)
  const name = id === TEST_WALLET ? 'Test wallet' : (found?.name ?? 'Wallet')
  stopListening()
  if (!silent) put({ kind: 'connecting', name })
  try {
    const { openWalletSession, openProvider } = await import('./open.ts')
    const deployment = await servedDeployment()
    const provider = await openProvider(found, deployment)
    const next = await openWalletSession(provider, { name, deployment, silent, acceptContracts })
    if (mine !== attempt) return
    put(next)
    if (next.kind === 'none') return
    localStorage.setItem(LAST, id)
    listen(provider, () => void connectWallet(id, { silent: true }))
  } catch (error) {
    if (mine !== attempt) return
    const reason = error instanceof ClientError ? error.message : `The wallet could not be opened: ${String(error)}`
    put({ kind: 'failed', name, reason })
  }
}

/** An account or a chain that changes opens the session anew. */
function listen(provider: EIP1193Provider, changed: () => void): void {
  const events = ['accountsChanged', 'chainChanged', 'disconnect'] as const
  for (const event of events) provider.on?.(event, changed)
  stopListening = () => {
    for (const event of events) provider.removeListener?.(event, changed)
  }
}
