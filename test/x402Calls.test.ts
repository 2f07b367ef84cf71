import { BatchSettlementEvmScheme, InMemoryClientChannelStorage } from '@x402/evm/batch-settlement/client'
import {
  type EIP712SignedReceipt,
  extractReceiptFromResponse,
  verifyReceiptSignatureEIP712,
} from '@x402/extensions/offer-receipt'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import OpenAI from 'openai'
import { type Hex, zeroHash } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkReceipt } from '#client/index.ts'
import { marketPlace } from '#contracts/test/vouchers.ts'
import { OPERATOR, STRANGER, startWorld, type World } from '#contracts/test/world.ts'
import { consumer, me, signedVoucher, stranger, submit } from '#graphql/test/market.ts'
import { channelId } from '#rules/channel.ts'
import { openHolds, openMarketChannel, servedModel, used } from './gatewaySystem.ts'
import { must } from './must.ts'

/** The clients of x402, as they are published, against the real API, a worker and a small model: no key, no session, a voucher with each request. */

let world: World
beforeAll(async () => {
  world = await startWorld({ withdrawalDelay: 900 })
})
afterAll(() => world?.anvil.stop())

const CREDIT = 10n ** 15n
const request = {
  model: 'endpoint:1',
  messages: [{ role: 'user' as const, content: 'thing 1 is red' }],
  max_tokens: 6,
  seed: 3,
}

/** A payment that answers a demand with a voucher. */
interface Payment {
  channel: Hex
  ceiling: bigint
  nonce: string
  chainId?: number
  /** What the client says it has accepted; only what it has signed counts. */
  accepted?: object
}

/** The header of a payment as the clients of x402 send it, made by hand. */
async function paymentHeader({ channel, ceiling, nonce, accepted, chainId = world.deployment.chainId }: Payment) {
  const signature = await signedVoucher({ channel, ceiling, signer: consumer, chainId })
  const payment = {
    x402Version: 2,
    accepted: { ...accepted, extra: { nonce } },
    payload: {
      type: 'voucher',
      channelConfig: { payer: consumer.address, payerAuthorizer: consumer.address, salt: zeroHash },
      voucher: { channelId: channel, maxClaimableAmount: String(ceiling), signature },
    },
  }
  return { 'payment-signature': Buffer.from(JSON.stringify(payment)).toString('base64') }
}

async function system() {
  const served = await servedModel(world, { auth: 'keys' })
  const { url } = served
  const channel = await openMarketChannel(served, CREDIT)
  /** A client that knows nothing of its channel yet. `sent` collects the payments that it makes. */
  const payer = (sent: string[] = []) => {
    const scheme = new BatchSettlementEvmScheme(
      { ...consumer, readContract: async () => [CREDIT, 0n] },
      { storage: new InMemoryClientChannelStorage(), depositStrategy: () => false },
    )
    const client = new x402Client().register(`eip155:${world.deployment.chainId}`, scheme)
    client.setSpendControls({
      allowedAssets: [
        { asset: world.at.GOpen, network: `eip155:${world.deployment.chainId}`, maxAmountPerPayment: String(CREDIT) },
      ],
    })
    const watched: typeof fetch = async (input, init) => {
      const header = (input as Request).headers.get('payment-signature')
      if (header) sent.push(header)
      return fetch(input, init)
    }
    return wrapFetchWithPayment(watched, client)
  }
  const postTo =
    (route: string) =>
    (body: object, send: typeof fetch = fetch, headers: Record<string, string> = {}) =>
      send(`${url}/v1/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
  const post = postTo('chat/completions')
  /** What a request demands now. */
  const quote = async (body: object, send = post) => {
    const [{ amount, extra }] = decoded(await send(body), 'payment-required').accepts
    return { amount: BigInt(amount), nonce: extra.nonce as string }
  }
  return { ...served, channel, payer, post, postTo, quote }
}

const decoded = (response: Response, header: string) =>
  JSON.parse(Buffer.from(must(response.headers.get(header)), 'base64').toString())

test('the unmodified client pays call by call, by the tokens that it used, and finds its place again', async () => {
  const served = await system()
  const { payer, post, db, url, logged } = served
  const unpaid = await post(request)
  expect(unpaid.status).toBe(402)
  expect(await unpaid.json()).toMatchObject({ error: { code: 'payment_required', type: 'insufficient_quota' } })
  const sent: string[] = []
  const pay = payer(sent)
  let paid = 0n
  for (const seed of [1, 2, 3]) {
    const response = await post({ ...request, seed }, pay)
    expect(response.status).toBe(200)
    paid += BigInt(((await response.json()) as { receipt: { fee: string } }).receipt.fee)
    expect(await used(served)).toBe(paid)
    const { channelState } = decoded(response, 'payment-response').extra
    expect(channelState.chargedCumulativeAmount).toBe(String(paid))
  }
  expect(sent).toHaveLength(3)

  const streamed = await post({ ...request, stream: true }, pay)
  expect(streamed.status).toBe(200)
  expect(await streamed.text()).toContain('[DONE]')
  expect(await used(served)).toBeGreaterThan(paid)
  sent.length = 0
  expect((await post(request, pay)).status).toBe(200) // the stream has told no charge: the client signs again
  expect(sent).toHaveLength(2)
  expect((await post(request, payer())).status).toBe(200) // and so does one that has lost its memory

  for (let time = 0; time < 2; time++) {
    const repeated = await post(request, pay, { 'idempotency-key': 'one answer' })
    const { channelState } = decoded(repeated, 'payment-response').extra
    expect(channelState.chargedCumulativeAmount).toBe(String(await used(served)))
  }

  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'x402', maxRetries: 0, fetch: payer() })
  const { choices } = await openai.chat.completions.create(request)
  expect(choices[0]?.message.content).not.toBe('')
  const { rows } = await db.query(
    `select distinct input->>'consumer' as consumer, requested_by from job_run where kind = 'infer'`,
  )
  expect(rows).toEqual([{ consumer: me, requested_by: me }])
  expect(await openHolds(served)).toBe(0)
  expect(logged).toEqual([])
})

test('an answer comes with the receipt of x402’s extension and its own, both signed by the host; a stream, with the id', async () => {
  const { payer, post, db, url } = await system()
  await db.query(`update endpoint set url = 'https://one.example'`)
  const pay = payer()
  const response = await post(request, pay)
  const receipt = must(extractReceiptFromResponse(response)) as EIP712SignedReceipt
  expect(await verifyReceiptSignatureEIP712(receipt)).toMatchObject({
    signer: OPERATOR.address,
    payload: {
      network: `eip155:${world.deployment.chainId}`,
      resourceUrl: `https://one.example/v1/chat/completions`,
      payer: me,
    },
  })
  const forged = { ...receipt, payload: { ...receipt.payload, payer: stranger.address } }
  expect((await verifyReceiptSignatureEIP712(forged)).signer).not.toBe(OPERATOR.address)

  const { answer } = decoded(response, 'payment-response').extensions['offer-receipt'].info
  const [id] = must(response.headers.get('x-receipt-id')).split(',')
  const texts = (await db.query('select prompt, answer from receipt where id = $1', [id])).rows[0]
  expect(answer).toMatchObject({ id, consumer: me, attributionDigest: null })
  expect(answer).not.toHaveProperty('prompt')
  const checked = ['hash', 'texts', 'total']
  expect(await checkReceipt({ ...answer, ...texts })).toMatchObject({ valid: true, checked, signer: OPERATOR.address })
  expect(await checkReceipt({ ...answer, ...texts, answer: 'Another.' })).toMatchObject({ valid: false })

  const streamed = await post({ ...request, stream: true }, pay)
  const read = async (one: Response) =>
    (await fetch(`${url}/v1/receipts/${one.headers.get('x-receipt-id')}`)).json() as Promise<Record<string, unknown>>
  await streamed.text()
  expect(streamed.headers.get('payment-response')).toBeNull()
  // Whoever has no key reads what everybody may.
  for (const one of [response, streamed])
    expect(await read(one)).toMatchObject({
      consumer: me,
      signature: expect.stringMatching(/^0x/),
      fee: null,
      salt: null,
      x402Receipt: null,
    })
})

test('a voucher pays for its request alone: replayed, moved, forged or shared, it buys nothing', async () => {
  const served = await system()
  const { payer, post, channel, db } = served
  const { chainId } = world.deployment
  const sent: string[] = []
  await post(request, payer(sent))
  const paid = await used(served)
  const [first] = sent as [string]
  const replay = (body: object, header = first) => post(body, fetch, { 'payment-signature': header })
  /** The first voucher with other contents, for another demand. */
  const altered = (part: 'channelConfig' | 'voucher' | undefined, fields: object, nonce?: string) => {
    const { payload, accepted, ...rest } = JSON.parse(Buffer.from(first, 'base64').toString())
    const changed = part ? { ...payload, [part]: { ...payload[part], ...fields } } : { ...payload, ...fields }
    const extra = { ...accepted.extra, ...(nonce && { nonce }) }
    return Buffer.from(JSON.stringify({ ...rest, accepted: { ...accepted, extra }, payload: changed })).toString(
      'base64',
    )
  }
  const voucher = async (ceiling: bigint, signer = consumer, nonce?: string) => {
    const signature = await signedVoucher({ channel, ceiling, signer, chainId })
    return altered('voucher', { maxClaimableAmount: String(ceiling), signature }, nonce)
  }
  const expectRefused = async (answer: Promise<Response>, status: number, fault?: string) => {
    const response = await answer
    const { error } = (await response.json()) as { error: { message: string } }
    expect([response.status, error.message]).toEqual([status, expect.any(String)])
    if (fault) expect(decoded(response, 'payment-required').error).toBe(`invalid_batch_settlement_evm_${fault}`)
    else expect(response.headers.get('payment-required')).toBeNull()
    expect(await used(served)).toBe(paid)
    return {
      message: error.message,
      state: fault && decoded(response, 'payment-required').accepts[0].extra.channelState,
    }
  }
  const others = [{ seed: 4 }, { max_tokens: 5 }, { messages: [{ role: 'user', content: 'mine' }] }]
  for (const other of [{}, ...others])
    await expectRefused(replay({ ...request, ...other }), 402, 'cumulative_amount_mismatch')
  await expectRefused(replay({ ...request, model: 'endpoint:2' }), 402, 'channel_id_mismatch')
  const byAnother = altered('channelConfig', { payer: stranger.address })
  await expectRefused(replay(request, byAnother), 400)
  await expectRefused(replay(request, altered(undefined, { type: 'deposit' })), 402, 'payload_type')
  await expectRefused(replay(request, await voucher(7n, stranger)), 400)
  for (const nonsense of ['e30=', '%', '{}']) await expectRefused(replay(request, nonsense), 400)

  // A ceiling that was granted for all calls, and may be seen on the chain, pays for no call of a stranger.
  const granted = await submit(served, { channel, ceiling: CREDIT / 2n, chainId })
  expect(granted.errors).toBeUndefined()
  const shown = await expectRefused(replay(request, await voucher(CREDIT / 2n)), 402, 'cumulative_amount_mismatch')
  expect(shown).toEqual({ message: expect.not.stringContaining(String(paid)), state: undefined })

  const demands = await Promise.all(
    [1, 2].map(async () => {
      const [{ amount, extra }] = decoded(await post(request), 'payment-required').accepts
      return { amount: BigInt(amount), nonce: extra.nonce as string }
    }),
  )
  const [one, other] = demands as [(typeof demands)[0], (typeof demands)[0]]
  expect(one.amount).not.toBe(other.amount) // so an amount on the chain confirms no guess of the request
  await expectRefused(
    replay(request, await voucher(paid + one.amount, consumer, other.nonce)),
    402,
    'cumulative_amount_mismatch',
  )
  const once = await voucher(paid + one.amount, consumer, one.nonce)
  const answers = await Promise.all(Array.from({ length: 6 }, () => replay(request, once)))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 402, 402, 402, 402, 402])
  const { rows } = await db.query(`select count(*) as count from receipt`)
  expect(Number(rows[0].count)).toBe(2)
})

test('a quote is for one route, price, chain and asset: a payment for another one buys nothing, and the right one does', async () => {
  const served = await system()
  const { post, postTo, quote, channel, db, payer } = served
  const { chainId } = world.deployment
  const expectRefused = async (answer: Promise<Response>, status: number, fault?: string) => {
    const response = await answer
    expect(response.status).toBe(status)
    expect(response.headers.get('payment-response')).toBeNull()
    if (fault) expect(decoded(response, 'payment-required').error).toBe(`invalid_batch_settlement_evm_${fault}`)
    expect(await used(served)).toBe(0n)
    expect(await openHolds(served)).toBe(0)
  }
  const { seed: _, ...chat } = request
  const { amount, nonce } = await quote(chat)
  const right = await paymentHeader({ channel, ceiling: amount, nonce })

  // The body of a chat is one of Anthropic's messages, too.
  const messages = postTo('messages')
  await expectRefused(messages(chat, fetch, right), 402, 'cumulative_amount_mismatch')
  const [prompt, input] = ['thing 1 is red', 'thing 1 is red']
  for (const [route, body] of [
    ['completions', { model: 'endpoint:1', prompt, max_tokens: 6 }],
    ['responses', { model: 'endpoint:1', input, max_output_tokens: 6 }],
    ['embeddings', { model: 'endpoint:1', input }],
  ] as const)
    await expectRefused(postTo(route)(body, fetch, right), 402, 'cumulative_amount_mismatch')

  const elsewhere = await paymentHeader({ channel, ceiling: amount, nonce, chainId: chainId + 1 })
  await expectRefused(post(chat, fetch, elsewhere), 400)
  const owner = { endpointId: 1n, host: OPERATOR.address, consumer: consumer.address, key: consumer.address }
  for (const place of [{ token: STRANGER.address }, { market: STRANGER.address }, { chainId: chainId + 1 }]) {
    const other = channelId({ ...marketPlace(world), ...place }, { ...owner, salt: zeroHash })
    const payment = await paymentHeader({ channel: other, ceiling: amount, nonce })
    await expectRefused(post(chat, fetch, payment), 402, 'channel_id_mismatch')
  }

  // Somebody between the two who lowers the amount of a demand makes the client sign less, and the server takes no less.
  const lowered = await paymentHeader({ channel, ceiling: 1n, nonce, accepted: { amount: '1' } })
  await expectRefused(post(chat, fetch, lowered), 402, 'cumulative_amount_mismatch')

  for (const change of ['price_in * 2', 'price_in / 4']) {
    await db.query(`update endpoint set price_in = ${change} where id = '1'`)
    await expectRefused(post(chat, fetch, right), 402, 'cumulative_amount_mismatch')
  }
  await db.query(`update endpoint set price_in = price_in * 2 where id = '1'`)

  // Two quotes on the same state of the channel: the second payment is made of what the first has reserved.
  const second = await quote({ ...request, seed: 9 })
  const payments = [
    post(chat, fetch, right),
    post({ ...request, seed: 9 }, fetch, await paymentHeader({ channel, ceiling: second.amount, nonce: second.nonce })),
  ]
  const statuses = (await Promise.all(payments)).map(({ status }) => status)
  expect(statuses.sort()).toEqual([200, 402])
  const paid = await used(served)
  await db.query(`update endpoint set price_in = price_in * 3 where id = '1'`)
  const response = await post(request, payer()) // at the price of now
  expect(response.status).toBe(200)
  expect(await used(served)).toBe(paid + BigInt(((await response.json()) as { receipt: { fee: string } }).receipt.fee))
})

test('an answer that fails costs nothing, and is not told as settled; the channel goes on from what was used', async () => {
  const served = await system()
  const { post, payer, channel, quote } = served
  const tooLong = { ...request, messages: [{ role: 'user', content: 'thing '.repeat(5_000) }] }
  const sent: string[] = []
  const failed = await post(tooLong, payer(sent))
  expect([failed.status, sent.length]).toEqual([400, 1])
  expect(failed.headers.get('payment-response')).toBeNull()
  expect(await openHolds(served)).toBe(0)
  expect(await used(served)).toBe(0n)
  const again = await post(tooLong, fetch, { 'payment-signature': sent[0] as string })
  expect(again.status).toBe(400)
  const { rows } = await served.db.query<{ ceiling: string }>('select ceiling from signed_voucher')
  const granted = BigInt(rows[0]?.ceiling ?? 0)

  const { amount, nonce } = await quote(request)
  expect(amount).toBeLessThan(granted) // what was granted for the failed one is not used up
  const paid = await post(request, fetch, await paymentHeader({ channel, ceiling: amount, nonce }))
  expect(paid.status).toBe(200)
  const { receipt } = (await paid.json()) as { receipt: { fee: string } }
  expect(await used(served)).toBe(BigInt(receipt.fee))
  expect((await served.db.query('select from receipt')).rowCount).toBe(1)
})

test('whoever deposits for an account, with a key of his own, does not ask as that account', async () => {
  const served = await system()
  const { payer, post, db } = served
  const sent: string[] = []
  await post(request, payer(sent))
  const [first] = sent as [string]
  const { payload, ...rest } = JSON.parse(Buffer.from(first, 'base64').toString())
  const channel = await openMarketChannel(served, CREDIT, stranger.address)
  const [{ amount, extra }] = decoded(await post(request), 'payment-required').accepts
  const signature = await signedVoucher({
    channel,
    ceiling: BigInt(amount),
    signer: stranger,
    chainId: world.deployment.chainId,
  })
  const forged = {
    ...rest,
    accepted: { ...rest.accepted, amount, extra },
    payload: {
      ...payload,
      channelConfig: { ...payload.channelConfig, payerAuthorizer: stranger.address },
      voucher: { channelId: channel, maxClaimableAmount: amount, signature },
    },
  }
  const response = await post(request, fetch, {
    'payment-signature': Buffer.from(JSON.stringify(forged)).toString('base64'),
  })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({
    error: { message: expect.stringContaining('the payer has signed itself') },
  })
  expect((await db.query(`select from job_run where kind = 'infer'`)).rowCount).toBe(1)
})
