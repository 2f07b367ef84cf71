import { type Address, type Hex, recoverAddress } from 'viem'

/** A signature, or what a contract wallet takes for one: bytes as hex. */
export const SIGNATURE = /^0x([0-9a-fA-F]{2}){1,4000}$/

/** Whether an account has signed a hash, such as that of a message (EIP-191) or of typed data (EIP-712). */
export type VerifySignature = (signed: { address: Address; hash: Hex; signature: Hex }) => Promise<boolean>

/** Of accounts with a key: a contract wallet's signature can only be told by asking the wallet. */
export const signedByKey: VerifySignature = async ({ address, hash, signature }) => {
  const signer = await recoverAddress({ hash, signature }).catch(() => undefined)
  return signer?.toLowerCase() === address.toLowerCase()
}
