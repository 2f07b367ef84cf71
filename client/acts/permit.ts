import { type Hex, parseSignature } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import { permitData } from '#rules/signing.ts'
import { walletOf } from '../account.ts'
import type { Act } from '../act.ts'

/** In seconds: what is relayed must be mined within this time. */
export const SIGNATURE_LIFE = 86_400n

/** The second until which what is signed now holds. */
export const signatureDeadline = async ({ client }: Act): Promise<bigint> =>
  (await client.node.getBlock()).timestamp + SIGNATURE_LIFE

/** Splits a signature into the arguments of a contract. */
export function signatureParts(signature: Hex): readonly [number, Hex, Hex] {
  const { r, s, yParity } = parseSignature(signature)
  return [yParity + 27, r, s]
}

/** Allows a contract to take gOPEN of the account by a signature (ERC-2612), which is kept, so that it is the same after a crash. */
export async function permit(act: Act, spender: ContractName, value: bigint): Promise<void> {
  const { client, account } = act
  const { chainId, addresses } = client.deployment
  const at = addresses[spender]
  const { signature, deadline } = await act.keep(`permit ${spender} ${value}`, async () => {
    const nonce = await client.read('GOpen', 'nonces', [account])
    const until = await signatureDeadline(act)
    const message = { owner: account, spender: at, value, nonce, deadline: until }
    const wallet = walletOf(client)
    const data = permitData({ chainId, contract: addresses.GOpen }, message)
    const signed = await wallet.signTypedData({ ...data, account: wallet.account })
    return { signature: signed, deadline: until.toString() }
  })
  const args = [account, at, value, BigInt(deadline), ...signatureParts(signature)] as const
  await act.send({ contract: 'GOpen', functionName: 'permit', args })
}
