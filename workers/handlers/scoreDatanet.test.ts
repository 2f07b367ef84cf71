import { join } from 'node:path'
import { keccak256 } from 'viem'
import { expect, test, vi } from 'vitest'
import { MAX_SAMPLE_BYTES } from '#rules/sample.ts'
import { documentBytes } from '#schema/documents.ts'
import { Commitment, Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Mandate, Model } from '#schema/onchain/models.ts'
import { rowOf } from '#schema/rows.ts'
import { account, insert, insertAll, insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { assessDatanet } from '../assessDatanet.ts'
import { type JobContext, PendingError } from '../job.ts'
import { loadSample } from '../samples.ts'
import { testWorker } from '../test/testWorker.ts'
import { scoreDatanetHandler } from './scoreDatanet.ts'

const hash = (digit: string) => `0x${digit.repeat(64)}`
const words = (name: string) => Array.from({ length: 20 }, (_, i) => `${name}${i}`).join(' ')

/** A datanet whose contributions were committed one a block, from block 1 on; in each block of `unrevealed` another commitment has no contribution. */
async function datanetOf(
  texts: string[],
  {
    unrevealed = [],
    finalBlock,
    leaked,
    first = (bytes) => bytes,
    pattern = '.*',
    reasons = [],
    licence = 'CC0-1.0',
  }: {
    unrevealed?: number[]
    finalBlock: number
    leaked?: string
    /** Changes the bytes of the first sample. */
    first?: (bytes: Buffer) => Buffer
    pattern?: string
    reasons?: string[]
    licence?: string
  },
) {
  const { db, artifacts, folder } = await testWorker()
  const document = (value: unknown) => artifacts.put(documentBytes(value))
  const items = [{ prompt: leaked ?? 'sealed', completion: 'c' }]
  const sealed = await document({ salt: `0x${'5a'.repeat(32)}`, items })
  const metrics = [{ name: 'exact', kind: 'exact' }]
  const rubric = await document({ metrics, test: sealed, validation: sealed, maxTokens: 4 })
  const specHash = await document({
    name: 'Clerk',
    purpose: 'To test.',
    baseModel: hash('b'),
    rubric,
    samples: { description: 'any', completionPattern: pattern, topic: [], maxPromptLength: 400 },
    licence: 'CC0-1.0',
    integration: 'none',
  })
  await insertChain(db, finalBlock)
  await insert(db, Model, { id: '1', specHash })
  await insert(db, Mandate, { id: '1', modelId: '1', rubricHash: rubric })
  await insert(db, Datanet, { id: '1', modelId: '1', comparison: 'prose', licence })
  const position = (block: number, log: number) => `${String(block).padStart(12, '0')}-${String(log).padStart(6, '0')}`
  const commit = (digit: string, block: number, log: number) =>
    insert(db, Commitment, {
      id: `${hash(digit)}-${account(7)}`,
      commitment: hash(digit),
      contributor: account(7),
      position: position(block, log),
      fromBlock: block,
    })
  for (const [at, text] of texts.entries()) {
    await commit(String(at + 1), at + 1, 0)
    await insert(db, Contribution, {
      id: String(at + 1),
      datanetId: '1',
      contributor: account(7),
      commitment: hash(String(at + 1)),
      contentHash: await artifacts.put(
        (at === 0 ? first : (bytes: Buffer) => bytes)(Buffer.from(documentBytes({ completion: text, prompt: 'say' }))),
      ),
      ...(reasons[at] === undefined ? { status: 'Submitted' } : { status: 'Accepted', reason: reasons[at] }),
    })
  }
  for (const [at, block] of unrevealed.entries()) await commit('abcdef'[at] ?? '0', block, 1)
  const scored: unknown[][] = []
  const chain = {
    signedTransaction: async () => undefined,
    transact: async (_key: string, { args }: { args: unknown[] }) => void scored.push(args),
  }
  // What the handler uses.
  const job = { db, artifacts, chain, input: { datanetId: '1' }, report() {} } as unknown as JobContext<'scoreDatanet'>
  const handler = scoreDatanetHandler({ cache: join(folder, 'cache'), deployment: undefined as never })
  const judge = async (onProgress?: (done: number) => void) =>
    assessDatanet({ db, artifacts, cache: folder }, must(await rowOf(db, Datanet, '1')), onProgress)
  const assess = async () => (await judge()).map(({ assessment }) => assessment.verdict)
  return { run: () => handler(job), scored, assess, judge, artifacts, db }
}

const leak = `${words('a')} jane.doe@acme-tools.io`

test('what was committed after a commitment that may still be revealed waits; the others are scored', async () => {
  const { run, scored } = await datanetOf(['a', 'b', 'c'].map(words), { unrevealed: [2], finalBlock: 257 })
  await expect(run()).rejects.toThrow(PendingError)
  await expect(run()).rejects.toThrow('1 contributions wait: an earlier commitment may be revealed until block 258')
  expect(scored[0]?.[0]).toEqual([1n, 2n])
})

test('nothing waits once the commitment has expired, or when all are revealed', async () => {
  for (const unrevealed of [[2], []]) {
    const { run, scored } = await datanetOf(['a', 'b', 'c'].map(words), { unrevealed, finalBlock: 258 })
    expect((await run()).result).toEqual({ datanetId: '1', scored: 3, accepted: 3, rejected: 0 })
    expect(scored[0]?.[0]).toEqual([1n, 2n, 3n])
  }
})

test('a refusal for a sealed item does not say so, neither on chain nor in the job’s result', async () => {
  const texts = [words('a'), `${words('leak')} ${words('leak')}`, words('a')]
  const { run, scored } = await datanetOf(texts, { finalBlock: 258, leaked: words('leak') })
  expect((await run()).result).toEqual({ datanetId: '1', scored: 3, accepted: 1, rejected: 2 })
  expect(scored[0]?.[3]).toEqual([1, 2, 2])
  expect(scored[0]?.[4]).toEqual([
    'Accepted: nothing similar was committed earlier. [screening 1]',
    'Ineligible. [screening 1]',
    'The same content was committed earlier, as contribution 1. [screening 1]',
  ])
})

test.each(['the present reason', 'the one of earlier releases'])(
  'what is published only after it was scored makes no copy of what was accepted after it: %s',
  async (which) => {
    const copied = `${words('b')} Thanks a lot.`
    const { run, scored, assess, artifacts, db } = await datanetOf([words('a'), copied], { finalBlock: 258 })
    const withheld = documentBytes({ completion: words('b'), prompt: 'say' })
    await db.query(`update contribution set content_hash = $1 where id = '1'`, [keccak256(withheld)])
    await run()
    expect(scored[0]?.[3]).toEqual([2, 1])
    const reasons = scored[0]?.[4] as string[]
    expect(reasons[0]).toMatch(/^Not published/)
    if (which !== 'the present reason')
      reasons[0] = 'Not JSON. Send {"prompt": "...", "completion": "..."}. [screening 1]'
    for (const [at, reason] of reasons.entries())
      await db.query('update contribution set status = $2, reason = $3 where id = $1', [
        String(at + 1),
        at === 0 ? 'Rejected' : 'Accepted',
        reason,
      ])
    await artifacts.put(withheld)
    expect(await assess()).toEqual(['malformed', 'accepted'])
    // What a scorer says of one that it accepted is no ground to refuse it.
    await db.query(`update contribution set reason = $1 where id = '2'`, [reasons[0]])
    expect(await assess()).toEqual(['malformed', 'accepted'])
  },
)

test('a sample that is submitted very often is not in memory as often', async () => {
  const text = words('a')
  const { db, artifacts, judge } = await datanetOf([text], { finalBlock: 258 })
  const { contentHash, commitment, contributor } = must(await rowOf(db, Contribution, '1'))
  const again = { datanetId: '1', contributor, commitment, contentHash, status: 'Submitted' as const }
  await insertAll(
    db,
    Contribution,
    Array.from({ length: 200 }, (_, n) => ({ id: String(n + 2), ...again })),
  )
  let [read, most] = [0, 0]
  const get = artifacts.get.bind(artifacts)
  vi.spyOn(artifacts, 'get').mockImplementation((name, options) => {
    if (name === contentHash) read++
    return get(name, options)
  })
  const assessed = await judge((done) => {
    most = Math.max(most, read - Math.round(done * 201))
  })
  expect(assessed.map(({ assessment }) => assessment.verdict)).toEqual(['accepted', ...Array(200).fill('duplicate')])
  expect(most).toBeLessThan(50)
})

test('what is larger than any sample, such as a model, is not read into memory: it is rejected, and stops no other', async () => {
  const first = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(2 * MAX_SAMPLE_BYTES, ' ')])
  const { run, scored } = await datanetOf(['a', 'b'].map(words), { finalBlock: 258, first })
  await run()
  expect(scored[0]?.[3]).toEqual([2, 1])
})

test.each([
  ['begins with a byte order mark', (bytes: Buffer) => Buffer.concat([Buffer.from('\ufeff'), bytes])],
  ['is no UTF-8', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -2), Buffer.from([0xff]), bytes.subarray(-2)])],
])('a sample that %s is rejected: training could not read it, and would stop', async (_, first) => {
  const { run, scored, artifacts, db } = await datanetOf(['a', 'b'].map(words), { finalBlock: 258, first })
  const { contentHash } = must(await rowOf(db, Contribution, '1'))
  await expect(loadSample(artifacts, contentHash)).rejects.toThrow('is not JSON')
  await run()
  expect(scored[0]?.[3]).toEqual([2, 1])
})

test('a sample for which the mandate’s pattern would take years is rejected in seconds', async () => {
  const texts = [`${'a'.repeat(60)}!`, words('b')]
  const { run, scored } = await datanetOf(texts, { finalBlock: 258, pattern: '(?:\\w+ ?)+' })
  await run()
  expect(scored[0]?.[3]).toEqual([2, 1])
})

test('a sample with personal data or a secret is rejected with the kind and the place as the reason, and no other sample with it', async () => {
  const secret = ['ghp', '_abcdefghijklmnopqrstuvwxyz0123456789'].join('')
  const { run, scored } = await datanetOf([leak, words('b'), `${words('c')} ${secret}`], { finalBlock: 258 })
  expect((await run()).result).toMatchObject({ accepted: 1, rejected: 2 })
  expect(scored[0]?.[3]).toEqual([2, 1, 2])
  expect(scored[0]?.[4]).toEqual([
    'Holds personal data (e-mail address) in the completion, line 1. Replace it by an invented value. [screening 1]',
    'Accepted: nothing similar was committed earlier. [screening 1]',
    'Holds a secret (GITHUB_TOKEN) in the completion, line 1. Replace it by an invented value. [screening 1]',
  ])
})

test('a dispute judges an accepted sample by the rules of its verdict: by those of today only if it was given under them', async () => {
  const accepted = 'Accepted: nothing similar was committed earlier.'
  const verdicts = async (...reasons: string[]) =>
    (await datanetOf([leak, words('b')], { finalBlock: 258, reasons })).assess()
  expect(await verdicts(`${accepted} [screening 1]`)).toEqual(['personalData', 'accepted'])
  expect(await verdicts(accepted)).toEqual(['accepted', 'accepted'])
  expect(await verdicts(`${accepted} [screening 0]`)).toEqual(['accepted', 'accepted'])
  const other = 'Holds a secret (X) in the prompt, line 1. Replace it by an invented value. [screening 0]'
  expect(await verdicts(`${accepted} [screening 0]`, other)).toEqual(['accepted', 'secret'])
})

test('samples that may not become part of the model are not judged: nobody loses a fee, and the job says whose licence is in the way', async () => {
  const { run, scored } = await datanetOf([words('a')], { finalBlock: 258, licence: 'CC-BY-NC-4.0' })
  await expect(run()).rejects.toMatchObject({
    code: 'LICENCE_CONFLICT',
    message: expect.stringMatching(
      /^The samples: CC-BY-NC-4.0 allows no commercial use.* The model would be under CC0-1.0\./,
    ),
  })
  expect(scored).toEqual([])
})
