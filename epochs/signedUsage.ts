import { type Hex, recoverTypedDataAddress } from 'viem'
import { MAX_SIGNATURE_S, type SigningDomain, usageData } from '#rules/signing.ts'
import type { SignedUsage } from '#schema/usageDocument.ts'

/** Which usage documents of a reward map count (amendment 4a): of each host that has fees in the epoch, the first that it signed for this epoch, chain and
 *  distributor. So nobody else can say what stood behind its answers, and a map makes nobody read more documents than there are hosts.
 *  @param hosts in lower case
 *  @returns the names of the documents by host, in the order of `usage` */
export async function usageByHost(
  usage: readonly SignedUsage[],
  hosts: ReadonlySet<string>,
  domain: SigningDomain,
  epoch: number,
): Promise<Map<string, string>> {
  const documents = new Map<string, string>()
  for (const signed of usage) {
    const host = await signerOfUsage(signed, domain, epoch)
    if (host !== undefined && hosts.has(host) && !documents.has(host)) documents.set(host, signed.document)
  }
  return documents
}

/** The account that signed a usage document, in lower case; undefined unless the signature is one that contracts take: 65 bytes, `v` 27 or 28, low
 *  `s`. A smart account has none. */
export async function signerOfUsage(
  { document, signature }: SignedUsage,
  domain: SigningDomain,
  epoch: number,
): Promise<string | undefined> {
  if (!/^0x[0-9a-f]{128}1[bc]$/.test(signature) || BigInt(`0x${signature.slice(66, 130)}`) > MAX_SIGNATURE_S)
    return undefined
  const data = usageData(domain, epoch, document as Hex)
  const signer = await recoverTypedDataAddress({ ...data, signature: signature as Hex }).catch(() => undefined)
  return signer?.toLowerCase()
}
