import { type Hex, hexToBigInt, numberToHex, serializeSignature } from 'viem'
import type { HDAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { evaluate, mandate, version } from '#contracts/test/mandate.ts'
import { channelOf, depositCredit, marketPlace, redemption, signTestVoucher } from '#contracts/test/vouchers.ts'
import { ALICE, BOB, CONSUMER, HOST, OPERATOR, STRANGER, startWorld, type World } from '#contracts/test/world.ts'
import { testApi } from '#graphql/test/api.ts'
import { callInput, codeOf, MAXIMUM, REQUEST_ANSWER, SUBMIT } from '#graphql/test/market.ts'
import { startIndexer } from '#indexer/index.ts'
import { until } from '#indexer/test/follow.ts'
import { type ChannelPlace, channelConfig, channelId } from '#rules/channel.ts'
import { must } from './must.ts'

/** What the API accepts is what the market pays: real contracts, a real index, the API in between. */

let world: World
beforeAll(async () => {
  world = await startWorld({ withdrawalDelay: 900 })
  const versionId = await version(world, await mandate(world), OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
  for (const host of [HOST, HOST, ALICE])
    await world.send(host, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://x.example', 1000n, 2000n])
}, 600_000)
afterAll(() => world?.anvil.stop())

/** An API over an index of the chain, which answers for the endpoints of `HOST`. */
async function servedChain() {
  const { deployment } = world
  const api = await testApi({ deployment: { ...deployment, hosts: [HOST.address.toLowerCase()] } })
  const stop = new AbortController()
  const indexer = await startIndexer({
    db: api.db,
    rpcUrl: world.anvil.url,
    deployment,
    signal: stop.signal,
    pollMs: 10,
  })
  onTestFinished(async () => {
    stop.abort()
    await indexer.stopped
  })
  const indexed = async () => {
    const head = Number(await world.client.getBlockNumber())
    await until(`block ${head} is indexed`, async () => {
      const { rows } = await api.db.query('select 1 from cursor where block >= $1', [head])
      return rows.length === 1
    })
  }
  await indexed()
  const submit = (channel: ChannelPlace, ceiling: bigint, signature: Hex) =>
    api.ask(SUBMIT, { channelId: channelId(marketPlace(world), channel), ceiling: String(ceiling), signature })
  const sign = (channel: ChannelPlace, ceiling: bigint, signer = CONSUMER, over = {}) =>
    signTestVoucher(world, signer, { channelId: channelId(marketPlace(world), channel), ceiling }, over)
  let calls = 0
  const call = (more: object = {}) =>
    api.ask(REQUEST_ANSWER, { input: callInput({ consumer: CONSUMER.address, ...more }), key: `call ${++calls}` })
  return { api, indexed, submit, sign, call }
}

/** Whether the host can redeem `ceiling` with this signature. */
async function pays(channel: ChannelPlace, ceiling: bigint, signature: Hex, host: HDAccount = HOST) {
  const redeemed = await redemption(world, channel, ceiling, { signature })
  const { events } = await world.send(host, 'InferenceMarket', 'redeem', [[redeemed]])
  return events.some(({ name }) => name === 'Redeemed')
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const lastByte = (signature: Hex, change: (v: number) => number) =>
  `${signature.slice(0, 130)}${numberToHex(change(Number.parseInt(signature.slice(130), 16)), { size: 1 }).slice(2)}` as Hex
const highS = (signature: Hex) =>
  serializeSignature({
    r: signature.slice(0, 66) as Hex,
    s: numberToHex(ORDER - hexToBigInt(`0x${signature.slice(66, 130)}`), { size: 32 }),
    yParity: signature.endsWith('1b') ? 1 : 0,
  })

test('the API accepts a voucher exactly when the market pays it', async () => {
  const { indexed, submit, sign } = await servedChain()
  const channel = channelOf({ key: BOB.address })
  const signature = await sign(channel, 10n, BOB)
  expect(await codeOf(submit(channel, 10n, signature))).toBe('UNKNOWN_CHANNEL')
  await depositCredit(world, channel, 10_000n)
  await indexed()
  const other = { ...channel, salt: `0x${'01'.repeat(32)}` as Hex }
  const forms: Record<string, (ceiling: bigint) => Promise<Hex>> = {
    'the key’s': (ceiling) => sign(channel, ceiling, BOB),
    'the consumer’s': (ceiling) => sign(channel, ceiling, CONSUMER),
    'with v 0 or 1': async (ceiling) => lastByte(await sign(channel, ceiling, BOB), (v) => v - 27),
    'with the other v': async (ceiling) => lastByte(await sign(channel, ceiling, BOB), (v) => 55 - v),
    'with v 29': async (ceiling) => lastByte(await sign(channel, ceiling, BOB), () => 29),
    'with a high s': async (ceiling) => highS(await sign(channel, ceiling, BOB)),
    'of 64 bytes': async (ceiling) => (await sign(channel, ceiling, BOB)).slice(0, 130) as Hex,
    'of 66 bytes': async (ceiling) => `${await sign(channel, ceiling, BOB)}00`,
    'for another chain': (ceiling) => sign(channel, ceiling, BOB, { chainId: 1 }),
    'for another contract': (ceiling) => sign(channel, ceiling, BOB, { contract: world.at.InferenceMarket }),
    'for another channel': (ceiling) => sign(other, ceiling, BOB),
    'for another endpoint': (ceiling) => sign({ ...channel, endpointId: 2n }, ceiling, BOB),
    'for a smaller ceiling': (ceiling) => sign(channel, ceiling - 1n, BOB),
    'of zeros': async () => `0x${'00'.repeat(64)}1b`,
    'the key’s, once more': (ceiling) => sign(channel, ceiling, BOB),
  }
  let ceiling = 0n
  const differing: string[] = []
  const accepted: string[] = []
  for (const [name, form] of Object.entries(forms)) {
    ceiling += 100n
    const given = await form(ceiling)
    const { errors } = await submit(channel, ceiling, given)
    if (!errors) accepted.push(name)
    if (!errors !== (await pays(channel, ceiling, given))) differing.push(name)
  }
  expect(differing).toEqual([])
  expect(accepted).toEqual(['the key’s', 'the key’s, once more'])
})

test('a consumer who withdraws after a reservation is not answered again, and the host still redeems what it answered', async () => {
  const { indexed, submit, sign, call } = await servedChain()
  const channel = channelOf({ salt: `0x${'02'.repeat(32)}` })
  await depositCredit(world, channel, 10n * MAXIMUM)
  await indexed()
  const signature = await sign(channel, 9n * MAXIMUM)
  expect((await submit(channel, 9n * MAXIMUM, signature)).errors).toBeUndefined()
  expect((await call()).errors).toBeUndefined()
  await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [
    channelConfig(marketPlace(world), channel),
    10n * MAXIMUM,
  ])
  await indexed()
  expect(must((await call()).errors)[0]).toMatchObject({
    extensions: { code: 'NOT_ENOUGH_CREDIT' },
    message: expect.stringContaining(`${10n * MAXIMUM} being withdrawn, ${MAXIMUM} reserved`),
  })
  const paid = await redemption(world, channel, 9n * MAXIMUM, { signature, total: MAXIMUM })
  const { events } = await world.send(HOST, 'InferenceMarket', 'redeem', [[paid]])
  expect(events.map(({ name }) => name)).toContain('Redeemed')
  await world.warp(901)
  await world.send(CONSUMER, 'InferenceMarket', 'withdraw', [channelConfig(marketPlace(world), channel)])
  await indexed()
  expect(await codeOf(call())).toBe('NOT_ENOUGH_CREDIT')
})

test('credit with a stranger’s endpoint buys nothing here', async () => {
  const { indexed, submit, sign, call } = await servedChain()
  const theirs = channelOf({ endpointId: 3n, host: ALICE.address })
  await depositCredit(world, theirs, 10n * MAXIMUM)
  await indexed()
  const signature = await sign(theirs, MAXIMUM)
  expect(await codeOf(submit(theirs, MAXIMUM, signature))).toBe('NOT_HOSTED_HERE')
  expect(await codeOf(call({ endpointId: '3' }))).toBe('NOT_HOSTED_HERE')
  expect(await pays(theirs, MAXIMUM, signature)).toBe(false)
  expect(await pays(theirs, MAXIMUM, signature, ALICE)).toBe(true)
})
