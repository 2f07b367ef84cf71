import { privateKeyToAddress } from 'viem/accounts'
import type { Config } from '#config'
import type { Deployment } from '#contracts/deploy.ts'

/** The hosts whose endpoints this installation answers, in lower case: those of HOST_ADDRESSES, otherwise its own account. */
export function hostsOf(
  { hostAddresses, operatorKey }: Pick<Config, 'hostAddresses' | 'operatorKey'>,
  { holders }: Pick<Deployment, 'holders'>,
): readonly string[] {
  if (hostAddresses) return hostAddresses
  const account = operatorKey ? privateKeyToAddress(operatorKey) : holders.operator
  return [account.toLowerCase()]
}
