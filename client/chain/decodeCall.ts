import { decodeFunctionData, type Hex } from 'viem'
import { type ContractName, contracts } from '#contracts/generated/index.ts'
import type { ServedDeployment } from '../deployment.ts'

/** A call of one of the contracts, as a person can read it. */
export interface DecodedCall {
  contract: ContractName
  functionName: string
  args: readonly unknown[]
}

/** Says which function of which contract of the deployment a transaction calls; undefined when it calls anything else. */
export function decodeCall(
  { addresses }: Pick<ServedDeployment, 'addresses'>,
  { to, data }: { to?: string | null; data?: string },
): DecodedCall | undefined {
  const found = Object.entries(addresses).find(([, address]) => address.toLowerCase() === to?.toLowerCase())
  if (!found || !data) return undefined
  const contract = found[0] as ContractName
  try {
    const { functionName, args = [] } = decodeFunctionData({ abi: contracts[contract].abi, data: data as Hex })
    return { contract, functionName, args: args as readonly unknown[] }
  } catch {
    return undefined // a function that the contract does not have
  }
}
