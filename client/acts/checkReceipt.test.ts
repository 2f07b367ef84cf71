import { parseEther, zeroHash } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { beforeAll, expect, test } from 'vitest'
import type { CallReceipt } from '../reads/receipt.ts'
import { resigned } from '../test/signedReceipt.ts'
import { checkReceipt } from './checkReceipt.ts'
import { receiptMessage, type WholeReceipt } from './receiptMessage.ts'

/** A receipt is checked as a stranger does, who has it from somebody whom he does not trust, and asks nobody. */

const [host, consumer, stranger] = ['1', '2', '3'].map((digit) => privateKeyToAccount(`0x${digit.repeat(64)}`)) as [
  ...[Account, Account, Account],
]
type Account = ReturnType<typeof privateKeyToAccount>

const facts: CallReceipt = {
  ...{ chainId: 31_337, market: `0x${'22'.repeat(20)}`, id: 'r1', endpointId: '1', versionId: '2' },
  ...{ channelId: `0x${'12'.repeat(32)}`, consumer: consumer.address.toLowerCase() },
  ...{ prompt: 'Where?', answer: 'Here.', salt: `0x${'5a'.repeat(32)}`, cumulative: '9', fee: '5' },
  ...{ tokensIn: 3, tokensOut: 4, requestHash: null, responseHash: null, totalHash: null, hash: '', signature: '' },
  ...{ attributionDigest: null, attributionSignature: null, countersignature: null },
  attributions: [
    { contributionId: '9', share: 200_000 },
    { contributionId: '10', share: 300_000 },
  ],
}
let traced: CallReceipt
/** Before its answer was traced. */
let fresh: CallReceipt
beforeAll(async () => {
  traced = await resigned(facts, host)
  fresh = await resigned({ ...facts, attributions: undefined }, host)
})
const problems = async (receipt: CallReceipt) => (await checkReceipt(receipt)).problems

test('a receipt is right before and after its answer is traced, and through JSON', async () => {
  const right = { valid: true, problems: [], signer: host.address }
  expect(await checkReceipt(fresh)).toEqual({ ...right, checked: ['hash', 'texts', 'total'] })
  expect(await checkReceipt(JSON.parse(JSON.stringify(traced)))).toEqual({
    ...right,
    checked: ['hash', 'texts', 'total', 'attribution'],
  })
  expect([traced.hash, traced.signature]).toEqual([fresh.hash, fresh.signature])
  const untraceable = await resigned({ ...facts, attributions: [] }, host)
  expect((await checkReceipt(untraceable)).checked).toContain('attribution')
  expect(await problems({ ...fresh, attributions: [] })).toEqual([])
})

test('whoever changes a fact, a text, a hash or the attribution is found out', async () => {
  const changes: Partial<CallReceipt>[] = [
    ...[{ chainId: 1 }, { market: `0x${'23'.repeat(20)}` }, { id: 'r2' }, { endpointId: '2' }, { versionId: '1' }],
    ...[{ channelId: null }, { consumer: stranger.address }, { tokensIn: 4, tokensOut: 3 }, { fee: '6' }],
    ...[{ prompt: 'Here.' }, { answer: 'There.' }, { answer: '' }, { cumulative: '10' }, { hash: zeroHash }],
    ...[{ salt: `0x${'5b'.repeat(32)}` }, { requestHash: traced.responseHash }, { totalHash: zeroHash }],
    ...[{ attributions: [] }, { attributions: [{ contributionId: '9', share: 500_000 }] }],
    ...[{ attributionDigest: zeroHash }, { attributionDigest: null }, { attributionSignature: traced.signature }],
    ...[{ attributionSignature: null }, { signature: traced.attributionSignature }],
  ]
  for (const change of changes) expect(await problems({ ...traced, ...change }), JSON.stringify(change)).not.toEqual([])
  const [a, b] = [String(traced.requestHash), String(traced.responseHash)]
  expect(await problems({ ...traced, prompt: 'Here.', answer: 'Where?', requestHash: b, responseHash: a })).not.toEqual(
    [],
  )
})

test('without the hash beside it, what was changed leads to another signer', async () => {
  for (const change of [{ chainId: 1 }, { fee: '6' }, { tokensIn: 4, tokensOut: 3 }, { endpointId: '2' }]) {
    const { signer } = await checkReceipt({ ...fresh, ...change, hash: null })
    expect([undefined, host.address]).not.toContain(signer)
  }
})

test('the attribution of another receipt, or one that somebody else has signed, is none of this one', async () => {
  const other = await resigned({ ...facts, id: 'r2' }, host)
  const forged = await resigned({ ...facts, attributions: [{ contributionId: '66', share: 1_000_000 }] }, stranger)
  for (const { attributionDigest, attributionSignature, attributions } of [other, forged])
    expect(await problems({ ...fresh, attributionDigest, attributionSignature, attributions })).toEqual([
      expect.stringMatching(/not one that the host has signed for this receipt/),
    ])
})

test('a countersignature is the consumer’s, of what the host signed when it answered', async () => {
  const sign = (account: Account, of: CallReceipt, attribution?: string | null) =>
    account.signTypedData(receiptMessage(of as WholeReceipt, attribution))
  const countersigned = { ...traced, countersignature: await sign(consumer, traced) }
  expect((await checkReceipt(countersigned)).checked).toContain('countersignature')
  const other = await resigned({ ...facts, fee: '6' }, host)
  for (const countersignature of [
    await sign(host, traced),
    await sign(consumer, other),
    await sign(consumer, traced, traced.attributionDigest),
    '0x12',
  ])
    expect(await problems({ ...traced, countersignature })).toEqual([expect.stringMatching(/countersignature/)])
})

test('what follows from nothing that was signed is named, whatever it says', async () => {
  const { attributionDigest: _, attributionSignature: __, ...untraced } = traced
  const cases = [
    [{ ...traced, salt: null, prompt: 'Forged?', answer: 'Yes.', cumulative: '1' }, ['texts', 'total', 'attribution']],
    [{ ...traced, salt: 5 as never, answer: 'Forged.', cumulative: undefined as never }, ['texts', 'attribution']],
    [{ ...traced, prompt: null, answer: 'Forged.' }, ['texts']],
    [{ ...untraced, attributions: [{ contributionId: '66', share: 1_000_000 }] }, ['attribution']],
  ] as [CallReceipt, string[]][]
  for (const [receipt, unchecked] of cases) expect(await checkReceipt(receipt)).toMatchObject({ unchecked })
  expect(await checkReceipt(traced)).not.toHaveProperty('unchecked')
})

test('whoever shows no texts is right without them, and nothing else is said to be checked', async () => {
  const closed = { ...traced, prompt: null, answer: null, salt: null, cumulative: null, attributions: undefined }
  expect(await checkReceipt(closed)).toMatchObject({ valid: true, checked: ['hash'] })
  expect((await checkReceipt({ ...traced, prompt: '', answer: '' })).checked).not.toContain('texts')
})

test('what is no receipt is no error of the program', async () => {
  const wrong: unknown[] = [
    ...[
      {},
      { ...traced, fee: '-1' },
      { ...traced, fee: 'x' },
      { ...traced, tokensIn: 1.5 },
      { ...traced, endpointId: 1 },
    ],
    ...[
      { ...traced, signature: '0x12' },
      { ...traced, signature: '0x' },
      { ...traced, consumer: 'nobody' },
    ],
    ...[
      { ...traced, cumulative: 'x' },
      { ...traced, prompt: '\ud800' },
      { ...traced, tokensIn: -1 },
    ],
    ...[
      { ...traced, attributions: [{ contributionId: 'x', share: 1 }] },
      { ...traced, attributions: [null] },
    ],
    ...[
      { ...traced, attributions: {} },
      { ...traced, fee: String(parseEther('1') ** 5n) },
      { ...traced, salt: 5 },
    ],
  ]
  for (const receipt of wrong)
    expect(await checkReceipt(receipt as CallReceipt), JSON.stringify(receipt)).toMatchObject({ valid: false })
})
