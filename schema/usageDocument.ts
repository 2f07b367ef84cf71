import { z } from 'zod'
import { lowerAddress as account, hash, id, wei, wholeNumber as whole } from './documentFields.ts'
import { failFastList } from './failFastList.ts'

/** The opened receipts of a host, and how a reward map names them (amendment 4a). */

const receipt = z.object({
  /** Visible ASCII, so that it sorts alike everywhere. */
  id: z.string().regex(/^[!-~]{1,200}$/, 'expected a receipt id'),
  endpointId: id,
  versionId: id,
  channelId: hash,
  consumer: account,
  prompt: z.string(),
  answer: z.string(),
  tokensIn: whole.nonnegative(),
  tokensOut: whole.nonnegative(),
  fee: wei,
  /** 0; in documents of earlier releases, all fees of the channel’s calls so far. */
  cumulative: wei,
  signature: z.string(),
  /** ppm of the answer, by contribution; the rest up to a million is unattributed. */
  attribution: failFastList(z.object({ contributionId: id, mass: whole.nonnegative() })),
})

/** The opened receipts of one host in one epoch: those whose consumer lets prompt and answer be shown. With `contentSalt` and `totalHash` everybody can check
 *  the signature; they are missing where the host signed without a salt. `cumulative` is 0: it would tell the fees of receipts that are not opened. */
export const usageDocument = z.object({
  epoch: whole,
  receipts: z.array(receipt.extend({ contentSalt: hash.optional(), totalHash: hash.optional() })),
})

/** A larger usage document states nothing: a host may sign any. */
export const MAX_USAGE_BYTES = 1 << 24

/** Of a map's usage documents, in their order, one with which they would be larger together states nothing: a host with fees of one wei may sign one, too. */
export const MAX_ALL_USAGE_BYTES = 1 << 26

/** A usage document with its host's signature (`usageData`). Maps of earlier releases have names alone, which nobody signed. */
export const signedUsageEntry = z.union([
  z.object({ document: hash, signature: z.string() }),
  hash.transform((document) => ({ document, signature: '' })),
])

/** More usage documents are no map: each signature costs whoever checks it. */
export const MAX_USAGE_DOCUMENTS = 1_000

/** What a reward map reads of a usage document: an entry that is no receipt is null, and drops alone (amendment 4a). */
export const openedUsage = z.object({
  epoch: whole,
  receipts: z
    .custom<unknown[]>(Array.isArray, 'expected an array')
    .transform((all) => all.map((one) => (hasNames(one) ? (receipt.safeParse(one).data ?? null) : null))),
})

/** Whether a value may be a receipt. One that may is so long that a document has few, and checking each whole costs little. */
const hasNames = (value: unknown): boolean => {
  const { channelId, consumer } = (value ?? {}) as Record<string, unknown>
  return [channelId, consumer].every((name) => typeof name === 'string' && name.length > 40)
}

export type UsageReceipt = z.infer<typeof usageDocument>['receipts'][number]
export type SignedUsage = z.infer<typeof signedUsageEntry>
