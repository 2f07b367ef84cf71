import { createWalletClient, custom, type EIP1193Provider } from 'viem'
import type { Client } from '#client/client.ts'
import { connect } from '#client/connect.ts'
import type { ServedDeployment } from '#client/deployment.ts'
import { ClientError } from '#client/errors.ts'
import { apiKey } from './apiKey.ts'
import { guarded } from './guard.ts'
import { walletWords } from './network.ts'
import type { Ready, Session } from './sessionKinds.ts'
import { pageState } from './state.ts'
import { openTestWallet } from './testWallet.ts'
import { acceptContracts, acceptedContracts, differences, requireConsistent } from './trust.ts'
import type { FoundWallet } from './wallets.ts'

/** Opens a wallet for the acts: loaded when somebody connects. */

const POLL_MS = 500
/** For how long an act waits for an API that is away. */
const PATIENCE_MS = 15_000

export const openProvider = (found: FoundWallet | undefined, deployment: ServedDeployment): Promise<EIP1193Provider> =>
  found ? Promise.resolve(found.provider) : openTestWallet(deployment)

interface Opening {
  name: string
  deployment: ServedDeployment
  silent: boolean
  acceptContracts: boolean
}

/** Asks for an account, and checks the chain and the contracts before anything can be signed. */
export async function openWalletSession(provider: EIP1193Provider, opening: Opening): Promise<Session> {
  const { name, deployment, silent } = opening
  const [account] = await provider
    .request({ method: silent ? 'eth_accounts' : 'eth_requestAccounts' })
    .catch((error) => Promise.reject(walletWords(error)))
  if (!account && silent) return { kind: 'none' }
  if (!account) throw new ClientError('The wallet gives no account. Unlock it, and allow this page to use one.')
  const found = Number(await provider.request({ method: 'eth_chainId' }))
  if (found !== deployment.chainId) return { kind: 'wrongChain', name, found, deployment, provider }
  const known = acceptedContracts()
  const changed = known ? differences(known, deployment) : []
  if (changed.length > 0 && !opening.acceptContracts) return { kind: 'otherContracts', name, deployment, changed }
  await requireConsistent(provider, deployment)
  acceptContracts(deployment)
  return readySession(provider, { name, deployment, account })
}

async function readySession(
  provider: EIP1193Provider,
  { name, deployment, account }: { name: string; deployment: ServedDeployment; account: `0x${string}` },
): Promise<Ready> {
  const guard = { deployment, account }
  const refuse = async () => {
    throw new ClientError('Nothing is signed outside an act.')
  }
  const client = await connect(location.origin, {
    ...{ wallet: guarded(provider, { ...guard, approve: refuse }), state: pageState(account) },
    ...{ pollMs: POLL_MS, patienceMs: PATIENCE_MS, apiKey: apiKey() },
  })
  // It has read the deployment again: what acts use must be what was checked.
  if (differences(deployment, client.deployment).length > 0)
    throw new ClientError('The API named other contracts when it was asked again. Nothing was signed. Do not use it.')
  const clientFor: Ready['clientFor'] = (approve, options): Client => ({
    ...client,
    ...options,
    wallet: createWalletClient({
      ...{
        account,
        chain: client.chain,
        transport: custom(guarded(provider, { ...guard, approve }), { retryCount: 0 }),
      },
    }),
  })
  return { kind: 'ready', name, account, client, clientFor }
}
