import type { Response, Router } from 'express'
import { parse } from 'graphql'
import type { Caller } from '#graphql/access.ts'
import type { Services } from '#graphql/context.ts'
import { runQuery } from '#graphql/runQuery.ts'
import { GatewayError } from './errors.ts'

const RECEIPT = parse(
  `query ($id: ID!) { receipt(id: $id) {
    id endpointId versionId channelId consumer requestHash responseHash tokensIn tokensOut fee totalHash hash signature
    attributionDigest attributionSignature countersignature x402Receipt prompt answer cumulative salt } }`,
  { noLocation: true },
)

const SHARES = parse(
  `query ($id: ID!, $after: String) {
    answerAttributions(where: { receiptId: { eq: $id } }, first: 1000, after: $after) {
      nodes { contributionId share } pageInfo { hasNextPage endCursor } } }`,
  { noLocation: true },
)

/** Of another's receipt, what is not public is null. */
export interface ReadReceipt {
  prompt: string | null
  answer: string | null
  salt: string | null
  attributionDigest: string | null
  x402Receipt: object | null
  [member: string]: unknown
}

/** A receipt with the chain and the market for which it is signed, as `receipt verify` reads it: of another's, only what is public is there. */
export async function signedReceipt(services: Services, caller: Caller, id: string): Promise<ReadReceipt | undefined> {
  const { receipt } = (await runQuery(services, caller, RECEIPT, { id })) as { receipt: ReadReceipt | null }
  const { chainId, addresses } = services.deployment
  return receipt ? { ...receipt, chainId, market: addresses.InferenceMarket } : undefined
}

/** With what the answer was traced to, where that is known and readable: any number of shares. */
async function wholeReceipt(services: Services, caller: Caller, id: string): Promise<ReadReceipt | undefined> {
  const receipt = await signedReceipt(services, caller, id)
  if (!receipt || receipt.attributionDigest === null || receipt.salt === null) return receipt
  return { ...receipt, attributions: await sharesOf(services, caller, id) }
}

async function sharesOf(services: Services, caller: Caller, id: string): Promise<object[]> {
  const shares: object[] = []
  for (let after: string | null = null; ; ) {
    const page = (await runQuery(services, caller, SHARES, { id, after })) as {
      answerAttributions: { nodes: object[]; pageInfo: { hasNextPage: boolean; endCursor: string } }
    }
    const { nodes, pageInfo } = page.answerAttributions
    shares.push(...nodes)
    if (!pageInfo.hasNextPage) return shares
    after = pageInfo.endCursor
  }
}

/** `GET /v1/receipts/ID`: the ids are those of the header `x-receipt-id`. */
export function addReceiptRoute(router: Router, services: Services): void {
  router.get('/receipts/:id', async ({ params: { id } }, response) => {
    const receipt = await wholeReceipt(services, (response.locals as { caller: Caller }).caller, id)
    if (!receipt) throw new GatewayError(404, `Receipt with id '${id.slice(0, 100)}' not found.`, { code: 'not_found' })
    nameReceipts(response, [id])
    response.json({ object: 'receipt', ...receipt })
  })
}

/** The header that names the receipts of a response. */
export const nameReceipts = (response: Response, ids: readonly string[]) => response.set('x-receipt-id', ids.join(','))
