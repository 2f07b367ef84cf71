import { encodeAbiParameters, type Hex, hashTypedData, keccak256, stringToBytes, zeroHash } from 'viem'
import { expect, test } from 'vitest'
import {
  attributionDigest,
  contentSalt,
  type ReceiptStatement,
  receiptData,
  saltedTextHash,
  statementOf,
  totalHash,
} from './receipt.ts'

const salt = `0x${'5a'.repeat(32)}` as const
const content = contentSalt(salt)
const market = { chainId: 31_337, contract: `0x${'22'.repeat(20)}` } as const
const statement: ReceiptStatement = {
  id: 'r1',
  endpointId: '1',
  versionId: '2',
  channelId: `0x${'12'.repeat(32)}`,
  consumer: `0x${'34'.repeat(20)}`,
  requestHash: saltedTextHash(content, 'p'),
  responseHash: saltedTextHash(content, 'a'),
  tokensIn: 3,
  tokensOut: 4,
  fee: 5n,
  totalHash: totalHash(salt, 9n),
}
const shares = [
  { contributionId: '10', share: 300_000 },
  { contributionId: '9', share: 200_000 },
]
const tracedDigest = () => attributionDigest(content, shares)
const hashOf = (...given: Parameters<typeof receiptData>) => hashTypedData(receiptData(...given))

test('a signature binds every fact, the texts, the sum of the fees, the attribution, the chain and the market', () => {
  const hashes = [
    hashOf(market, statement),
    hashOf(market, statement, tracedDigest()),
    hashOf({ ...market, chainId: 1 }, statement),
    hashOf({ ...market, contract: `0x${'23'.repeat(20)}` }, statement),
    ...[
      { id: 'r2' },
      { endpointId: '2' },
      { versionId: '1' },
      { channelId: null },
      { consumer: `0x${'35'.repeat(20)}` },
      { requestHash: statement.responseHash },
      { responseHash: statement.requestHash },
      { tokensIn: 4, tokensOut: 3 },
      { tokensOut: 3 },
      { fee: 6n },
      { totalHash: totalHash(salt, 10n) },
    ].map((change) => hashOf(market, { ...statement, ...change })),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
  expect(hashOf(market, { ...statement }, zeroHash)).toBe(hashes[0])
})

test('an attribution is that of its receipt’s salt, in any order, and differs from none', () => {
  expect(attributionDigest(content, shares.toReversed())).toBe(tracedDigest())
  const others = [
    attributionDigest(contentSalt(`${salt}0`), shares),
    attributionDigest(content, shares.slice(1)),
    attributionDigest(content, [{ contributionId: '10', share: 300_001 }, ...shares.slice(1)]),
    attributionDigest(content, []),
  ]
  expect(new Set([tracedDigest(), zeroHash, ...others]).size).toBe(6)
})

test('what is opened of a receipt does not open the sum of the fees', () => {
  expect(content).not.toBe(salt)
  const guesses = [salt, content].map((known) => totalHash(known, 9n))
  expect(guesses).toEqual([statement.totalHash, expect.not.stringMatching(statement.totalHash)])
})

test('another program computes the same hashes from canonical JSON and the text of the type', () => {
  const hash = (text: string) => keccak256(stringToBytes(text))
  expect(content).toBe(hash(`${salt}/content`))
  expect(statement.requestHash).toBe(hash(`{"salt":"${content}","text":"p"}`))
  expect(statement.totalHash).toBe(hash(`{"cumulative":"9","salt":"${hash(`${salt}/total`)}"}`))
  expect(tracedDigest()).toBe(
    hash(
      `{"attribution":[{"contributionId":"9","share":200000},{"contributionId":"10","share":300000}],"salt":"${content}"}`,
    ),
  )
  const words = (values: readonly (Hex | bigint)[]) =>
    keccak256(
      encodeAbiParameters(
        values.map((one) => ({ type: typeof one === 'bigint' ? 'uint256' : 'bytes32' })),
        values,
      ),
    )
  const address = (text: string) => `0x${text.slice(2).padStart(64, '0')}` as const
  const type =
    'Receipt(string id,uint256 endpointId,uint256 versionId,bytes32 channelId,address consumer,bytes32 requestHash,bytes32 responseHash,uint256 tokensIn,uint256 tokensOut,uint256 fee,bytes32 totalHash,bytes32 attribution)'
  const { channelId, consumer, requestHash, responseHash } = statement
  const struct = words([
    ...[hash(type), hash('r1'), 1n, 2n, channelId as Hex, address(consumer)],
    ...[requestHash, responseHash, 3n, 4n, 5n, statement.totalHash, tracedDigest()],
  ])
  const domain = words([
    hash('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
    ...[hash('InferenceMarket'), hash('1'), 31_337n, address(market.contract)],
  ])
  expect(hashOf(market, statement, tracedDigest())).toBe(keccak256(`0x1901${domain.slice(2)}${struct.slice(2)}`))
})

test('a stored receipt has a statement unless an earlier release has signed it, without one of the hashes', () => {
  expect(statementOf({ ...statement })).toEqual(statement)
  for (const name of ['requestHash', 'responseHash', 'totalHash'])
    expect(statementOf({ ...statement, [name]: null }), name).toBe(null)
})
