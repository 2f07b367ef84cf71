import type { EIP1193Provider } from 'viem'

/** The wallets that this browser has, by EIP-6963: each extension announces itself, so that several can stand side by side. */

export interface FoundWallet {
  /** The same at every visit: the extension's reverse domain name. */
  id: string
  name: string
  /** An image as a `data:` URI; nothing else is loaded. */
  icon?: string
  provider: EIP1193Provider
}

interface Announcement extends Event {
  detail?: { info?: { rdns?: string; name?: string; icon?: string }; provider?: EIP1193Provider }
}

/** Of extensions that announce nothing and only set `window.ethereum`. */
const LEGACY = 'injected'
const NAME_LENGTH = 40

let found: readonly FoundWallet[] = []
const watchers = new Set<() => void>()

/** What is known so far; more may follow. */
export const foundWallets = (): readonly FoundWallet[] => found

export function watchWallets(watcher: () => void): () => void {
  if (watchers.size === 0) discover()
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

let discovering = false

function discover(): void {
  if (discovering) return
  discovering = true
  window.addEventListener('eip6963:announceProvider', (event) => {
    const { info, provider } = (event as Announcement).detail ?? {}
    if (!info?.rdns || !provider || found.some(({ id }) => id === info.rdns)) return
    const icon = info.icon?.startsWith('data:image/') ? info.icon : undefined
    put([...withoutLegacy(), { id: info.rdns, name: (info.name ?? info.rdns).slice(0, NAME_LENGTH), icon, provider }])
  })
  window.dispatchEvent(new Event('eip6963:requestProvider'))
  const { ethereum } = window as { ethereum?: EIP1193Provider }
  if (ethereum && found.length === 0) put([{ id: LEGACY, name: 'Browser wallet', provider: ethereum }])
}

const withoutLegacy = () => found.filter(({ id }) => id !== LEGACY)

function put(wallets: readonly FoundWallet[]): void {
  found = wallets
  for (const watcher of watchers) watcher()
}
