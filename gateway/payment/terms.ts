import { randomBytes } from 'node:crypto'
import type { Request } from 'express'
import type { Caller } from '#graphql/access.ts'
import type { Services } from '#graphql/context.ts'
import { nonceSecret } from '#graphql/signIn/nonce.ts'
import { type CallInput, type CallTerms, inferInput, NOBODY, readTerms } from '../calls.ts'
import { GatewayError } from '../errors.ts'
import type { ModelList, ServedEndpoint } from '../models.ts'
import { demandedAmount, paymentRequired } from './demand.ts'
import { checkPayment, requirePayer } from './payment.ts'
import { readVoucherHeader } from './voucherHeader.ts'

/** Whoever may not ask is not told whether a model is served. */
const ifServed = (error: unknown) => {
  if (!(error instanceof GatewayError)) throw error
  return undefined
}

/** Who asks and pays, and the endpoint that answers. A client without a key, or where no keys are, without an account, is told what its request costs, and may
 *  send a voucher of that amount with it. @throws GatewayError or ApiError when it may not ask, or must pay first. */
export async function paidTerms(
  { services, models }: { services: Services; models: ModelList },
  request: Request,
  caller: Caller,
  { model, inputs }: { model: string; inputs: readonly CallInput[] },
): Promise<{ terms: CallTerms; endpoint: ServedEndpoint }> {
  const { db, deployment } = services
  const sent = readVoucherHeader(request.headers)
  const isUnknown = caller.kind === 'anonymous' || (caller.kind === 'open' && !request.headers['x-consumer'])
  const known = async () => {
    const terms = readTerms(caller, request.headers)
    return { terms, endpoint: await models.find(model, terms.consumer) }
  }
  if (!sent && !isUnknown) return known()
  const voucher = sent === 'deposit' ? undefined : sent
  if (voucher) await requirePayer(deployment.chainId, voucher) // before it is told what that account may call
  const find = models.find(model, voucher?.consumer)
  const endpoint = await (voucher ? find : find.catch(ifServed))
  const isFree = endpoint && endpoint.priceIn === 0n && endpoint.priceOut === 0n
  if (!endpoint || !deployment.settings || (isFree && !sent)) return known()
  const asked = inputs.map((input) => inferInput({ consumer: NOBODY, open: false }, endpoint, input, 0))
  const nonce = voucher?.nonce ?? randomBytes(16).toString('hex')
  const amount = demandedAmount(await nonceSecret(db), endpoint, asked, request, nonce)
  const url = publishedUrl(endpoint, request)
  const demand = { endpoint, deployment, amount, nonce, url }
  if (!sent)
    throw paymentRequired(
      demand,
      `This request costs at most ${amount} wei. Send a key of this API (Authorization: Bearer <key>), or a voucher for it as clients of x402 do, of a channel with endpoint ${endpoint.id} (modelcommons credit deposit ${endpoint.id}).${caller.kind === 'open' ? ' This API is open: the header x-consumer may name the account that pays, within what it has granted (modelcommons credit grant).' : ''}`,
    )
  const payment = await db.transaction((sql) => checkPayment(sql, sent, demand))
  return { terms: readTerms(caller, request.headers, payment), endpoint }
}

/** The URL of the request at the address that the endpoint's host has published: the host signs it, whatever name the request gave to this server. */
function publishedUrl(
  { url }: Pick<ServedEndpoint, 'url'>,
  { baseUrl, path }: Pick<Request, 'baseUrl' | 'path'>,
): string {
  const resource = `${baseUrl}${path}`
  return URL.canParse(resource, url) ? new URL(resource, url).href : resource
}
