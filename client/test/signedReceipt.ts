import { type Hex, hashTypedData } from 'viem'
import { attributionDigest, contentSalt, receiptData, saltedTextHash, totalHash } from '#rules/receipt.ts'
import type { CallReceipt } from '../reads/receipt.ts'

interface Signer {
  signTypedData(data: ReturnType<typeof receiptData>): Promise<Hex>
}

/** The receipt as `signer` would have signed it, as its host: with what it says now. */
export async function resigned(receipt: CallReceipt, signer: Signer): Promise<CallReceipt> {
  const { chainId, market, prompt, answer, salt, cumulative, tokensIn, tokensOut, fee, attributions } = receipt
  const content = contentSalt(salt as Hex)
  const hashes = {
    requestHash: saltedTextHash(content, prompt ?? ''),
    responseHash: saltedTextHash(content, answer ?? ''),
    totalHash: totalHash(salt as Hex, BigInt(cumulative ?? 0)),
  }
  const facts = { tokensIn: Number(tokensIn), tokensOut: Number(tokensOut), fee: BigInt(fee ?? 0) }
  const data = (attribution?: Hex) =>
    receiptData({ chainId, contract: market as Hex }, { ...receipt, ...facts, ...hashes }, attribution)
  const digest = attributions ? attributionDigest(content, attributions) : null
  return {
    ...receipt,
    ...hashes,
    hash: hashTypedData(data()),
    signature: await signer.signTypedData(data()),
    attributionDigest: digest,
    attributionSignature: digest && (await signer.signTypedData(data(digest))),
  }
}
