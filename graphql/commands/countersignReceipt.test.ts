import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { type ReceiptStatement, receiptData } from '#rules/receipt.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { insert, TEST_CHAIN_ID } from '#test/factory.ts'
import { hashKey } from '../access.ts'
import { MARKET, testApi } from '../test/api.ts'
import { consumer, me, stranger } from '../test/market.ts'

const hash = (digit: string) => `0x${digit.repeat(64)}` as const
const statement: ReceiptStatement = {
  ...{ id: 'r', endpointId: '1', versionId: '1', channelId: hash('9'), consumer: me, tokensIn: 3, tokensOut: 4 },
  ...{ requestHash: hash('1'), responseHash: hash('2'), totalHash: hash('3'), fee: 5n },
}

async function system() {
  const api = await testApi({ auth: 'keys' })
  const { db } = api
  await insert(db, Receipt, { ...statement, jobId: 'r' })
  await insert(db, Receipt, { id: 'old', jobId: 'old', consumer: me })
  const caller = async (name: string, account: string, more: Partial<ApiKey> = {}) => {
    await insert(db, ApiKey, { id: hashKey(name), account, role: 'Consumer', ...more })
    return { authorization: `Bearer ${name}` }
  }
  const callers = {
    own: await caller('own-key-1', me),
    calls: await caller('calls-key', me, { scopes: ['infer'] }),
    other: await caller('other-key', stranger.address.toLowerCase()),
    operator: await caller('operator-key', stranger.address.toLowerCase(), { role: 'Operator' }),
    anonymous: {},
  }
  const market = { chainId: TEST_CHAIN_ID, contract: MARKET as Hex }
  const sign = (given: Partial<ReceiptStatement> = {}, account = consumer, place = market, attribution?: Hex) =>
    account.signTypedData(receiptData(place, { ...statement, ...given }, attribution))
  const send = async (signature: string, headers: object = callers.own, id = 'r') =>
    api.ask(
      'mutation ($id: ID!, $signature: String!) { countersignReceipt(id: $id, signature: $signature, idempotencyKey: "k") { countersignature } }',
      { id, signature },
      headers as Record<string, string>,
    )
  const code = async (...given: Parameters<typeof send>) => (await send(...given)).errors?.[0]?.extensions.code
  const stored = async () =>
    (await db.query(`select countersignature from receipt where id = 'r'`)).rows[0].countersignature
  return { callers, market, sign, send, code, stored }
}

test('a consumer countersigns its receipt, once or twice; what it signed is public', async () => {
  const { sign, send, stored } = await system()
  const signature = await sign()
  for (let time = 0; time < 2; time++)
    expect((await send(signature)).data.countersignReceipt).toEqual({ countersignature: signature })
  expect(await stored()).toBe(signature)
})

test('nobody else countersigns it, with whatever signature; and no other signature is taken of the consumer', async () => {
  const { callers, market, sign, code, stored } = await system()
  const right = await sign()
  expect(await code(right, callers.anonymous)).toBe('UNAUTHENTICATED')
  expect(await code(right, callers.calls)).toBe('FORBIDDEN')
  for (const nosy of [callers.other, callers.operator]) expect(await code(right, nosy)).toBe('RECEIPT_NOT_FOUND')
  expect(await code(right, callers.own, 'none')).toBe('RECEIPT_NOT_FOUND')
  expect(await code(right, callers.own, 'old')).toBe('OTHER_FORM')
  for (const nonsense of ['', '0x12', `${right}00`]) expect(await code(nonsense)).toBe('BAD_SIGNATURE')
  for (const wrong of [
    `0x${'00'.repeat(65)}`,
    await sign({}, stranger),
    await sign({ fee: 6n }),
    await sign({ id: 's' }),
    await sign({}, consumer, { ...market, chainId: market.chainId + 1 }),
    await sign({}, consumer, { ...market, contract: stranger.address }),
    await sign({}, consumer, market, hash('7')),
  ])
    expect(await code(wrong)).toBe('WRONG_SIGNER')
  expect(await stored()).toBeNull()
})
