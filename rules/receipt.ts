/** Rule 14 (sealed): what a receipt says, and how its host signs it. Its hash may be public: without the salt nobody can test a guess about prompt, answer,
 *  fees or sources. */

import { type Hex, keccak256, stringToBytes, zeroHash } from 'viem'
import { type CanonicalValue, canonicalJson } from './canonicalJson.ts'
import { ascending } from './order.ts'
import { domain, type SigningDomain } from './signing.ts'

/** A receipt as it is signed: texts, and the sum of the channel's fees, by their salted hashes. */
export type ReceiptStatement = {
  id: string
  endpointId: string
  versionId: string
  /** Null: the call was free. */
  channelId: string | null
  consumer: string
  requestHash: Hex
  responseHash: Hex
  tokensIn: number
  tokensOut: number
  /** In wei. */
  fee: bigint
  totalHash: Hex
}

type Hashes = 'requestHash' | 'responseHash' | 'totalHash'

/** The statement of a stored receipt: null of one that an earlier release has signed, in another form. */
export function statementOf(
  receipt: Omit<ReceiptStatement, Hashes> & { [K in Hashes]: string | null },
): ReceiptStatement | null {
  const { requestHash, responseHash, totalHash } = receipt
  if (requestHash === null || responseHash === null || totalHash === null) return null
  return { ...receipt, ...({ requestHash, responseHash, totalHash } as Pick<ReceiptStatement, Hashes>) }
}

/** What a part of an answer comes from: in ppm of the answer, above 0. */
export interface AttributedShare {
  contributionId: string
  share: number
}

const hashOf = (value: CanonicalValue): Hex => keccak256(stringToBytes(canonicalJson(value)))

/** Opens prompt, answer and sources, and nothing else of the receipt: the salt of the receipt stays with its consumer. */
export const contentSalt = (salt: Hex): Hex => keccak256(stringToBytes(`${salt}/content`))

/** The `requestHash` of a prompt, or the `responseHash` of an answer. */
export const saltedTextHash = (contentSalt: Hex, text: string): Hex => hashOf({ salt: contentSalt, text })

/** Hides the sum of the channel's fees, which tells the fees of the calls before. */
export const totalHash = (salt: Hex, cumulative: bigint): Hex =>
  hashOf({ salt: keccak256(stringToBytes(`${salt}/total`)), cumulative: cumulative.toString() })

/** The digest of what an answer was traced to. Another one says so of an answer that was traced to nothing. */
export const attributionDigest = (contentSalt: Hex, shares: readonly AttributedShare[]): Hex =>
  hashOf({
    salt: contentSalt,
    attribution: shares
      .map(({ contributionId, share }) => ({ contributionId, share }))
      .sort((a, b) => ascending(BigInt(a.contributionId), BigInt(b.contributionId))),
  })

/**
 * EIP-712: what a host signs of each answer; `contract` is the market. It signs first without an attribution (0), and once the answer is traced the same
 * receipt again with its digest. The consumer countersigns the first.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { verifyTypedData } from 'viem'
 * import { privateKeyToAccount } from 'viem/accounts'
 * import { attributionDigest, contentSalt, receiptData, saltedTextHash, totalHash } from '#rules/receipt.ts'
 *
 * const host = privateKeyToAccount(`0x${'01'.repeat(32)}`)
 * const market = { chainId: 31_337, contract: `0x${'22'.repeat(20)}` } as const
 * const salt = `0x${'5a'.repeat(32)}` as const
 * const content = contentSalt(salt)
 * const texts = { requestHash: saltedTextHash(content, 'Where?'), responseHash: saltedTextHash(content, 'Here.') }
 * const call = { id: 'r', endpointId: '1', versionId: '1', channelId: null, consumer: `0x${'33'.repeat(20)}` }
 * const statement = { ...call, ...texts, tokensIn: 2, tokensOut: 3, fee: 5n, totalHash: totalHash(salt, 5n) }
 * const traced = attributionDigest(content, [{ contributionId: '7', share: 400_000 }])
 * const signature = await host.signTypedData(receiptData(market, statement, traced))
 * assert.ok(await verifyTypedData({ ...receiptData(market, statement, traced), address: host.address, signature }))
 * assert.ok(!(await verifyTypedData({ ...receiptData(market, statement), address: host.address, signature })))
 * ```
 */
export const receiptData = (market: SigningDomain, statement: ReceiptStatement, attribution: Hex = zeroHash) => ({
  domain: domain('InferenceMarket', market),
  types: {
    Receipt: [
      { name: 'id', type: 'string' },
      { name: 'endpointId', type: 'uint256' },
      { name: 'versionId', type: 'uint256' },
      { name: 'channelId', type: 'bytes32' },
      { name: 'consumer', type: 'address' },
      { name: 'requestHash', type: 'bytes32' },
      { name: 'responseHash', type: 'bytes32' },
      { name: 'tokensIn', type: 'uint256' },
      { name: 'tokensOut', type: 'uint256' },
      { name: 'fee', type: 'uint256' },
      { name: 'totalHash', type: 'bytes32' },
      { name: 'attribution', type: 'bytes32' },
    ],
  } as const,
  primaryType: 'Receipt' as const,
  message: {
    id: statement.id,
    endpointId: BigInt(statement.endpointId),
    versionId: BigInt(statement.versionId),
    channelId: (statement.channelId ?? zeroHash) as Hex,
    consumer: statement.consumer as Hex,
    requestHash: statement.requestHash,
    responseHash: statement.responseHash,
    tokensIn: BigInt(statement.tokensIn),
    tokensOut: BigInt(statement.tokensOut),
    fee: statement.fee,
    totalHash: statement.totalHash,
    attribution,
  },
})
