import { type Address, createPublicClient, custom, type EIP1193Provider } from 'viem'
import type { ServedDeployment } from '#client/deployment.ts'
import { ClientError } from '#client/errors.ts'

/** Which contracts this browser deals with: those that it saw first, as long as the person does not accept others. */

type Deployment = Pick<ServedDeployment, 'chainId' | 'addresses'>

const KEY = 'modelcommons/contracts'

/** The contracts that the person accepted before; undefined at the first visit. */
export function acceptedContracts(storage: Storage = localStorage): Deployment | undefined {
  try {
    return JSON.parse(storage.getItem(KEY) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

export const acceptContracts = ({ chainId, addresses }: Deployment, storage: Storage = localStorage): void =>
  storage.setItem(KEY, JSON.stringify({ chainId, addresses }))

/** The names of the contracts whose addresses differ; `chain` when all of it is elsewhere. */
export function differences(known: Deployment, now: Deployment): string[] {
  if (known.chainId !== now.chainId) return ['chain']
  const names = new Set([...Object.keys(known.addresses), ...Object.keys(now.addresses)])
  const at = ({ addresses }: Deployment, name: string) => (addresses as Record<string, string>)[name]?.toLowerCase()
  return [...names].filter((name) => at(known, name) !== at(now, name))
}

/** What the contracts say of each other: `contract.function()` is the address of the third. */
const REFERENCES = [
  ['GOpen', 'governor', 'ModelGovernor'],
  ['ModelGovernor', 'token', 'GOpen'],
  ['Disputes', 'token', 'GOpen'],
  ['Disputes', 'registry', 'ModelRegistry'],
  ['Disputes', 'datanets', 'DatanetRegistry'],
  ['Disputes', 'feedback', 'FeedbackPool'],
  ['Disputes', 'distributor', 'RewardDistributor'],
  ['Disputes', 'treasury', 'Treasury'],
  ['DatanetRegistry', 'token', 'GOpen'],
  ['DatanetRegistry', 'disputes', 'Disputes'],
  ['InferenceMarket', 'token', 'GOpen'],
  ['InferenceMarket', 'distributor', 'RewardDistributor'],
  ['RewardDistributor', 'token', 'GOpen'],
  ['RewardDistributor', 'disputes', 'Disputes'],
] as const

/** Asks the wallet's own node, which the API does not control, whether the contracts exist and belong together.
 *  @throws ClientError that names the first that does not. */
export async function requireConsistent(provider: EIP1193Provider, { addresses }: Deployment): Promise<void> {
  const node = createPublicClient({ transport: custom(provider) })
  const at = addresses as Record<string, Address>
  await Promise.all(
    REFERENCES.map(async ([contract, functionName, named]) => {
      const outputs = [{ name: '', type: 'address' }] as const
      const abi = [{ type: 'function', name: functionName, stateMutability: 'view', inputs: [], outputs }] as const
      const said = await node
        .readContract({ address: at[contract] as Address, abi, functionName })
        .catch(() => undefined)
      if (said?.toLowerCase() !== at[named]?.toLowerCase())
        throw new ClientError(
          `On the chain of your wallet, ${contract} (${at[contract]}) does not belong to ${named} (${at[named]}). The API names wrong contracts, or your wallet’s node is on another chain or behind. Nothing was signed.`,
        )
    }),
  )
}
