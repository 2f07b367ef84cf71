import { type Hex, recoverTypedDataAddress } from 'viem'
import { type Voucher, voucherData } from '#rules/channel.ts'
import { MAX_SIGNATURE_S } from '#rules/signing.ts'
import { ApiError } from '../errors.ts'

/** The signature in lower case. @throws ApiError when the contract could not redeem a voucher with it, whoever signed. */
export function readSignature(signature: string): Hex {
  const refuse = (why: string) => {
    throw new ApiError('BAD_SIGNATURE', `The signature ${why}`)
  }
  if (/^0x[0-9a-fA-F]{128}$/.test(signature))
    refuse('is a compact one of 64 bytes, which the contract does not take. Send 65 bytes: r, s and v.')
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature))
    refuse(
      'must be 65 bytes as hex: 0x and 130 digits. Vouchers are signed by a plain key; the signature of a smart account cannot be redeemed.',
    )
  const v = Number.parseInt(signature.slice(-2), 16)
  if (v !== 27 && v !== 28)
    refuse(`ends with ${v} (v); the contract takes 27 or 28.${v < 2 ? ` Replace the last byte by ${v + 27}.` : ''}`)
  if (BigInt(`0x${signature.slice(66, 130)}`) > MAX_SIGNATURE_S)
    refuse(
      'has an s in the upper half of the curve’s order, which the contract does not take. Send the one with a low s.',
    )
  return signature.toLowerCase() as Hex
}

/** Chains that a wallet may be connected to by mistake. The error names the chain, so that the signer sees the cause. */
export const COMMON_CHAINS = [1, 10, 56, 137, 8453, 31337, 42161, 11155111]

/** @param otherChains the error names the one of these for which it was signed; each takes as long as the check itself.
 *  @throws ApiError unless `key` signed the voucher for this chain. The channel binds it to its market and endpoint. */
export async function requireSigner(
  chainId: number,
  key: string,
  voucher: Voucher,
  signature: Hex,
  otherChains: readonly number[] = [],
): Promise<void> {
  const signerOn = async (chain: number) => {
    const recovered = await recoverTypedDataAddress({ ...voucherData(chain, voucher), signature }).catch(
      () => undefined,
    )
    return recovered?.toLowerCase()
  }
  const signer = await signerOn(chainId)
  if (signer === key) return
  for (const other of otherChains)
    if (other !== chainId && (await signerOn(other)) === key)
      throw new ApiError(
        'WRONG_CHAIN',
        `The voucher was signed for chain ${other}; this is chain ${chainId}. Sign it for chain ${chainId}.`,
      )
  const { name, version, verifyingContract } = voucherData(chainId, voucher).domain
  throw new ApiError(
    'WRONG_SIGNER',
    `The signature is not that of ${key}, the key of channel ${voucher.channelId}, for this voucher. Sign exactly {channelId, maxClaimableAmount: ${voucher.ceiling}} with the domain ${name}, version ${version}, chain ${chainId}, contract ${verifyingContract}.`,
  )
}
