import { keccak256, stringToBytes } from 'viem'
import { expect, test } from 'vitest'
import { contentSalt, type ReceiptFacts, receiptHash, totalHash } from './receiptHash.ts'

const salt = `0x${'5a'.repeat(32)}` as const
const facts: ReceiptFacts = {
  id: 'r1',
  endpointId: '1',
  versionId: '2',
  channelId: `0x${'12'.repeat(32)}`,
  consumer: `0x${'34'.repeat(20)}`,
  tokensIn: 3,
  tokensOut: 4,
  fee: 5n,
}
const opened = { prompt: 'p', answer: 'a', contentSalt: contentSalt(salt), totalHash: totalHash(salt, 9n) }

test('the hash binds every fact, the texts, the sum of the fees and the salt', () => {
  const hashes = [
    receiptHash(facts, opened),
    ...[
      { id: 'r2' },
      { endpointId: '2' },
      { versionId: '1' },
      { channelId: null },
      { consumer: '0x' },
      { tokensIn: 4 },
      { tokensOut: 3 },
      { fee: 6n },
    ].map((change) => receiptHash({ ...facts, ...change }, opened)),
    ...[
      { prompt: 'a' },
      { answer: 'p' },
      { contentSalt: contentSalt(`${salt}0`) },
      { totalHash: totalHash(salt, 10n) },
    ].map((change) => receiptHash(facts, { ...opened, ...change })),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
  expect(receiptHash(facts, { ...opened })).toBe(hashes[0])
})

test('what is opened of a receipt does not open the sum of the fees', () => {
  expect(contentSalt(salt)).not.toBe(salt)
  const guesses = [salt, opened.contentSalt].map((known) => totalHash(known, 9n))
  expect(guesses).toEqual([opened.totalHash, expect.not.stringMatching(opened.totalHash)])
})

test('another program computes the same hashes from canonical JSON', () => {
  const hash = (text: string) => keccak256(stringToBytes(text))
  const content = hash(`${salt}/content`)
  const total = hash(`{"cumulative":"9","salt":"${hash(`${salt}/total`)}"}`)
  const text = (value: string) => hash(`{"salt":"${content}","text":"${value}"}`)
  expect(receiptHash(facts, opened)).toBe(
    hash(
      `{"answerHash":"${text('a')}","channelId":"${facts.channelId}","consumer":"${facts.consumer}","endpointId":"1","fee":"5","id":"r1","promptHash":"${text('p')}","tokensIn":3,"tokensOut":4,"totalHash":"${total}","versionId":"2"}`,
    ),
  )
})
