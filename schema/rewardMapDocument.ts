import { z } from 'zod'
import { POTS } from '#rules/split.ts'
import { lowerAddress as account, digits, hash, id, signedWei, wei, wholeNumber as whole } from './documentFields.ts'
import { failFastList } from './failFastList.ts'
import { MAX_USAGE_DOCUMENTS, signedUsageEntry } from './usageDocument.ts'

/** A published reward map, and the pages in which its long lists continue (protocol, steps 2 and 10). */

/** The entries of the lists that grow with the accounts. */
export const mapEntries = {
  leaves: z.object({ account, cumulative: wei }),
  carried: z.object({ versionId: id, pot: z.enum([...POTS, 'rest']), amount: wei }),
  debts: z.object({ account, amount: wei, to: account.nullable(), reason: z.string().regex(/^[ -~]{0,200}$/) }),
  lines: z.object({
    account,
    role: z.string(),
    versionId: id.nullable(),
    source: z.object({ kind: z.string(), id: z.string() }),
    amount: signedWei,
    pot: wei,
    weight: digits,
    whole: digits,
  }),
}

export type MapList = keyof typeof mapEntries
export type MapEntry<L extends MapList> = z.infer<(typeof mapEntries)[L]>

/** A longer list is published in pages of so many entries; only the last may have fewer. So many debts, whose reasons are nothing but commas, with so many entries of
 *  each other list fit into one document. */
export const PAGE_ENTRIES = 1 << 16

/** More pages are no list: it can have 2³² entries. */
export const MAX_PAGES = 1 << 16

/** A list as it stands in the document: its entries, or the names of its pages. A page is an array of entries. */
const mapList = <T extends z.ZodType>(entry: T) => {
  const forms = [failFastList(entry), z.object({ pages: failFastList(hash, { max: MAX_PAGES }) })] as const
  return z.unknown().transform((value, context) => {
    const { data, error } = forms[Array.isArray(value) ? 0 : 1].safeParse(value)
    if (data) return data
    const [issue] = error?.issues ?? []
    context.addIssue({ code: 'custom', message: issue?.message ?? 'not valid', path: issue?.path })
    return z.NEVER
  })
}

/** The state from which the next epoch starts, and the reason for every amount. */
export const rewardMapDocument = z.object({
  epoch: whole,
  chainId: whole,
  distributor: account,
  fromBlock: whole,
  toBlock: whole,
  blockHash: hash,
  root: hash,
  total: wei,
  leaves: mapList(mapEntries.leaves),
  carried: mapList(mapEntries.carried),
  debts: mapList(mapEntries.debts),
  /** The usage documents that it used, in their order. */
  usage: failFastList(signedUsageEntry, { max: MAX_USAGE_DOCUMENTS }),
  /** The artifacts that the chain or a map before names and nobody could fetch, sorted. */
  absent: failFastList(hash),
  lines: mapList(mapEntries.lines),
  codeHash: hash,
})

/** As it is published. */
export type RewardMapDocument = z.infer<typeof rewardMapDocument>

/** As it is computed, with all entries. */
export type WholeRewardMap = Omit<RewardMapDocument, MapList> & { [L in MapList]: MapEntry<L>[] }
