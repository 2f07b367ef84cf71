import type { Address } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import { ClientError } from './errors.ts'
import { type ApiAccess, fetchJson, patiently } from './graphql/api.ts'

/** Where every API tells what a client must know. */
const PATH = '/.well-known/modelcommons.json'

/** What an API tells of the system behind it. */
export interface ServedDeployment {
  /** The release of the API. */
  version: string
  chainId: number
  addresses: Record<ContractName, Address>
  /** Durations in seconds, amounts in wei as decimal strings. */
  settings: Record<string, number | string>
  /** The hosts whose endpoints the API answers for. */
  hosts: Address[]
  /** A node of the chain that anybody may use. */
  nodeUrl: string | null
  /** What the API sends for accounts without gas; null where it sends nothing. Gas in units, acts and gas in 24 hours. */
  relay: { calls: string[]; actsPerDay: number; gasPerAct: number; gasPerDay: number } | null
}

/** @throws ClientError when the API serves no ModelCommons contracts, UnavailableError when it does not answer. */
export async function readServedDeployment(access: ApiAccess): Promise<ServedDeployment> {
  const found = await patiently(access, () => fetchJson<Partial<ServedDeployment>>(access, PATH))
  if (!found.chainId || !found.addresses?.GOpen)
    throw new ClientError(
      `The API at ${access.urls[0]} names no ModelCommons contracts. It follows other Governors, or is of an earlier release.`,
    )
  return found as ServedDeployment
}
