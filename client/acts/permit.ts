import { type Hex, parseSignature } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import { permitData } from '#rules/signing.ts'
import type { Act } from '../act.ts'
import { signOnce } from './signOnce.ts'

/** Splits a signature into the arguments of a contract. */
export function signatureParts(signature: Hex): readonly [number, Hex, Hex] {
  const { r, s, yParity } = parseSignature(signature)
  return [yParity + 27, r, s]
}

/** Allows a contract to take gOPEN of the account by a signature (ERC-2612). */
export async function permit(act: Act, spender: ContractName, value: bigint): Promise<void> {
  const { client, account } = act
  const { chainId, addresses } = client.deployment
  const at = addresses[spender]
  const { signature, deadline } = await signOnce(act, `permit ${spender} ${value}`, {
    nonce: () => client.read('GOpen', 'nonces', [account]),
    data: (once) => permitData({ chainId, contract: addresses.GOpen }, { owner: account, spender: at, value, ...once }),
  })
  const args = [account, at, value, deadline, ...signatureParts(signature)] as const
  await act.send({ contract: 'GOpen', functionName: 'permit', args })
}
