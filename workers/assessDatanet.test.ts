import { keccak256 } from 'viem'
import { expect, test } from 'vitest'
import { documentBytes } from '#schema/documents.ts'
import { Commitment, Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Mandate, Model } from '#schema/onchain/models.ts'
import { rowOf } from '#schema/rows.ts'
import { account, insert, insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { assessDatanet } from './assessDatanet.ts'
import { RevertError } from './chainErrors.ts'
import { scoreDatanetHandler } from './handlers/scoreDatanet.ts'
import { type JobContext, PendingError } from './job.ts'
import { trainingContributions } from './modelLookup.ts'
import { recomputeDispute } from './recomputeDispute.ts'
import { silent, testWorker } from './test/testWorker.ts'

const hash = (digit: string) => `0x${digit.repeat(64)}`
const words = (name: string, count = 20) => Array.from({ length: count }, (_, i) => `${name}${i}`).join(' ')
const [OWNER, STRANGER, AUTHOR, COPIER] = [3, 4, 7, 8].map(account)

type Given = { datanetId: string; text: string; published?: boolean; contributor?: string }

/** Datanets of two models, all of whose samples were committed one a block in this order; that of `id` is opened by its owner, unless it is `stranger`. */
async function datanetsWith(given: Given[], over: Record<string, Partial<Datanet>> = {}) {
  const { db, artifacts, folder } = await testWorker()
  const document = (value: unknown) => artifacts.put(documentBytes(value))
  const sealed = await document({ salt: `0x${'5a'.repeat(32)}`, items: [{ prompt: 'sealed', completion: 'c' }] })
  const metrics = [{ name: 'exact', kind: 'exact' }]
  const rubric = await document({ metrics, test: sealed, validation: sealed, maxTokens: 4 })
  const samples = { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 400 }
  const named = { name: 'Clerk', purpose: 'To test.', licence: 'CC0-1.0', integration: 'none' }
  const specHash = await document({ ...named, baseModel: hash('b'), rubric, samples })
  await insertChain(db, 900)
  for (const id of ['1', '2']) {
    await insert(db, Model, { id, specHash, proposer: OWNER })
    await insert(db, Mandate, { id, modelId: id, rubricHash: rubric })
  }
  for (const id of new Set(given.map(({ datanetId }) => datanetId)))
    await insert(db, Datanet, {
      ...{ id, modelId: '1', owner: OWNER, comparison: 'prose', licence: 'CC0-1.0' },
      ...over[id],
    })
  for (const [at, { datanetId, text, published = true, contributor = AUTHOR }] of given.entries()) {
    const [id, bytes] = [String(at + 1), documentBytes({ completion: text, prompt: 'say' })]
    const commitment = hash(id)
    const position = `${id.padStart(12, '0')}-000000`
    await insert(db, Commitment, {
      ...{ id: `${commitment}-${contributor}`, commitment, contributor, position, fromBlock: at + 1 },
    })
    const contentHash = published ? await artifacts.put(bytes) : keccak256(bytes)
    await insert(db, Contribution, { id, datanetId, contributor, commitment, contentHash, status: 'Submitted' })
  }
  const assess = async (datanetId: string) =>
    (await assessDatanet({ db, artifacts, cache: folder }, must(await rowOf(db, Datanet, datanetId)))).map(
      ({ assessment: { id, verdict, uniqueness } }) => [id, verdict, Number(uniqueness)],
    )
  const dependencies = { cache: folder, deployment: undefined as never }
  const findings = async (subjectId: string) => {
    const job = { db, artifacts, report() {}, log: silent } as unknown as JobContext<'resolveDispute'> // what it uses
    const dispute = { id: '1', subject: 'Contribution', subjectId, openedAt: new Date() } as const
    return (await recomputeDispute(job, dependencies, dispute)).findings
  }
  const score = async (datanetId: string, send: (args: unknown[]) => void) => {
    const transact = async (_key: string, { args }: { args: unknown[] }) => send(args)
    const chain = { signedTransaction: async () => undefined, transact }
    const job = { db, artifacts, chain, input: { datanetId }, report() {} } as unknown as JobContext<'scoreDatanet'>
    return (await scoreDatanetHandler(dependencies)(job)).result
  }
  return { db, artifacts, assess, findings, score }
}

test('what the samples of one datanet of a model have is not new in another one: copies there are refused, are in no training, and a dispute of one that was accepted is upheld', async () => {
  const texts = ['a', 'b', 'c'].map((name) => words(name))
  const { db, assess, findings } = await datanetsWith([
    ...texts.map((text) => ({ datanetId: '1', text })),
    ...texts.map((text) => ({ datanetId: '2', text, contributor: COPIER })),
    { datanetId: '2', text: `${words('a')} ${words('noise')}`, contributor: COPIER },
    { datanetId: '2', text: words('own') },
  ])
  const verdicts = await assess('2')
  expect(verdicts.map(([id, verdict]) => [id, verdict])).toEqual([
    ['4', 'duplicate'],
    ['5', 'duplicate'],
    ['6', 'duplicate'],
    ['7', 'accepted'],
    ['8', 'accepted'],
  ])
  expect(verdicts[3]?.[2]).toBeLessThan(600_000) // half of it is noise
  expect(verdicts[4]?.[2]).toBe(1_000_000)
  await db.query(`update contribution set status = 'Accepted', uniqueness = 1000000 where id in ('1', '4')`)
  const decided = async (id: string) =>
    (await findings(id)).filter(({ recorded, recomputed }) => recorded !== recomputed)
  expect(await decided('1')).toEqual([])
  expect(await decided('4')).toEqual([{ ground: 'duplicate', recorded: 'Accepted', recomputed: 'Rejected' }])
  await db.query(`update contribution set status = 'Rejected', uniqueness = 0 where datanet_id = '2'`)
  expect(await trainingContributions(db, '2')).toEqual([])
})

test('the commitments decide which is the original, in whatever datanet, and verdicts are those of one datanet with all samples', async () => {
  const texts = [words('a'), `${words('a', 12)} ${words('b', 8)}`, `${words('b', 8)} ${words('c')}`, words('a')]
  const apart = await datanetsWith(texts.map((text, at) => ({ datanetId: at % 2 ? '1' : '2', text })))
  const together = await datanetsWith(texts.map((text) => ({ datanetId: '1', text })))
  const all = [...(await apart.assess('1')), ...(await apart.assess('2'))]
  expect(all.sort(([a], [b]) => Number(a) - Number(b))).toEqual(await together.assess('1'))
  expect(all.map(([, verdict]) => verdict)).toEqual(['accepted', 'accepted', 'accepted', 'duplicate'])
})

test('a stranger’s datanet takes nothing from those of the model’s owner, nor does another model’s; what these have is not new in it', async () => {
  const given = ['9', '5', '1', '9'].map((datanetId, at) => ({ datanetId, text: words(at === 3 ? 'b' : 'a') }))
  const { assess } = await datanetsWith(
    [
      ...given,
      ...['b', 'c'].map((name) => ({ datanetId: '1', text: words(name) })),
      { datanetId: '9', text: `${words('c')} indeed` },
    ],
    { '9': { owner: STRANGER }, '5': { modelId: '2' } },
  )
  const accepted = (id: string) => [id, 'accepted', 1_000_000]
  expect(await assess('1')).toEqual(['3', '5', '6'].map(accepted))
  expect(await assess('5')).toEqual([accepted('2')])
  expect((await assess('9')).map(([id, verdict]) => [id, verdict])).toEqual([
    ['1', 'accepted'],
    ['4', 'accepted'],
    ['7', 'nearDuplicate'],
  ])
})

test('a pair from datanets that compare in different ways is compared as that of the later sample', async () => {
  const changed = `${words('a')} indeed`
  const of = async (earlier: Datanet['comparison'], later: Datanet['comparison'], text: string) => {
    const given = [words('a'), text].map((one, at) => ({ datanetId: String(at + 1), text: one }))
    const { assess } = await datanetsWith(given, { '1': { comparison: earlier }, '2': { comparison: later } })
    return (await assess('2'))[0]?.[1]
  }
  expect(await of('exact', 'prose', changed)).toBe('nearDuplicate')
  expect(await of('prose', 'exact', changed)).toBe('accepted')
  expect(await of('prose', 'exact', words('a').toUpperCase())).toBe('duplicate')
  expect(await of('code', 'prose', words('a').replaceAll(' ', ' + '))).toBe('nearDuplicate')
})

test('what nobody can read in another datanet is refused before what was committed after it, and makes no copy of it once it is published', async () => {
  const { db, artifacts, assess, score, findings } = await datanetsWith([
    { datanetId: '1', text: words('a'), published: false, contributor: COPIER },
    { datanetId: '1', text: words('b') },
    { datanetId: '2', text: `${words('a')} indeed` },
    { datanetId: '1', text: words('d'), published: false },
  ])
  const written: unknown[][] = []
  const result = await score('2', (args) => void written.push(args))
  expect(result).toEqual({ datanetId: '2', scored: 2, accepted: 1, rejected: 1 })
  expect([written[0]?.[0], written[0]?.[3]]).toEqual([
    [1n, 3n],
    [2, 1],
  ])
  const reasons = written[0]?.[4] as string[]
  expect(reasons[0]).toMatch(/^Not published/)
  for (const [at, [id, status]] of [['1', 'Rejected'] as const, ['3', 'Accepted'] as const].entries())
    await db.query('update contribution set status = $2, reason = $3 where id = $1', [id, status, reasons[at]])
  await artifacts.put(documentBytes({ completion: words('a'), prompt: 'say' }))
  expect(await assess('2')).toEqual([['3', 'accepted', 1_000_000]])
  expect((await findings('3')).every(({ recorded, recomputed }) => recorded === recomputed)).toBe(true)
})

test('a job that comes second to refuse what nobody can read waits until the index has that verdict', async () => {
  const { score } = await datanetsWith([
    { datanetId: '1', text: words('a'), published: false },
    { datanetId: '2', text: words('b') },
  ])
  const refuse = (errorName: string) => () => {
    throw new RevertError(errorName, { errorName })
  }
  await expect(score('2', refuse('AlreadyScored'))).rejects.toThrow(PendingError)
  await expect(score('2', refuse('BadVerdict'))).rejects.toThrow(RevertError)
})
