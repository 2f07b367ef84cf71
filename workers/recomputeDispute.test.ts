import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { summariseMetric } from '#engine/tasks/evaluate.ts'
import { computeEpoch } from '#epochs/epoch.ts'
import { digitHash, epochRows } from '#epochs/test/epochRows.ts'
import { attributionWeights, recordInfluence } from '#rules/attribution.ts'
import { ArtifactError, ArtifactStoreError, MirrorError, mirroredArtifacts } from '#schema/artifacts/index.ts'
import { documentBytes } from '#schema/documents.ts'
import { sealEvaluationLog } from '#schema/evaluationLog.ts'
import { Commitment, Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Evaluation, Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { account, insert, insertAll, insertChain } from '#test/factory.ts'
import { loggedMetric } from './firstEvaluation.ts'
import { type JobContext, PendingError } from './job.ts'
import { recomputeDispute } from './recomputeDispute.ts'
import { silent, testWorker } from './test/testWorker.ts'

const hash = (digit: string) => `0x${digit.repeat(64)}`

/** A fine-tuned version of five samples: the fourth is a copy of the first with noise, the last one of a sample in another datanet of the model's owner.
 *  `forge` changes the weights in its manifest, `details` are those of a sealed evaluation, `earlier` is what the manifest states of the other datanet. */
async function versionWith(
  forge: (weights: bigint[]) => bigint[],
  {
    details,
    earlier = [{ contributionId: '6', influence: 0.3 }],
  }: {
    details?: unknown
    earlier?: { contributionId: string; influence: number }[]
  } = {},
) {
  const system = await testWorker()
  const { db, artifacts, folder } = system
  const document = (value: unknown) => artifacts.put(documentBytes(value))
  const items = Array.from({ length: 40 }, (_, i) => ({ prompt: `p${i}`, completion: 'c' }))
  const held = { salt: `0x${'5a'.repeat(32)}`, items }
  const sealed = await document(held)
  const rubric = await document({
    metrics: [{ name: 'exact', kind: 'exact' }],
    test: sealed,
    validation: sealed,
    maxTokens: 4,
  })
  const collected = { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 100 }
  const specification = { name: 'Clerk', purpose: 'To test.', baseModel: hash('b'), rubric, samples: collected }
  const specHash = await document({ ...specification, licence: 'CC0-1.0', integration: 'none' })
  const adapter = await document({ any: 'adapter' })
  const words = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`).join(' ')
  const samples = [
    { prompt: 'first', completion: words('old', 20) },
    { prompt: 'second', completion: words('other', 20) },
    { prompt: 'third', completion: words('third', 20) },
    { prompt: 'fourth', completion: `${words('old', 20)} ${words('noise', 20)}` },
    { prompt: 'fifth', completion: `${words('elsewhere', 20)} ${words('more', 20)}` },
    { prompt: 'sixth', completion: words('elsewhere', 20) },
  ]
  const contents = await Promise.all(samples.map(document))
  const uniqueness = [1_000_000, 400_000, 0, 600_000, 500_000, 1_000_000]
  const measured = [0.3, 0.1, 0.2, 0.3, 0.3].map((influence, i) => ({
    ...recordInfluence({ contributionId: String(i + 1), influence, standardError: 0.01 }, items.length),
    uniqueness: BigInt(uniqueness[i] ?? 0),
  }))
  const right = attributionWeights(measured).weights.map((one) =>
    Number(one.contributionId) >= 4 ? { ...one, weight: 0n } : one,
  )
  const weights = forge(right.map(({ weight }) => weight))
  const manifestHash = await document({
    modelId: '1',
    parentVersionId: null,
    method: 'sft',
    baseModel: hash('b'),
    adapter,
    datasetRoot: hash('d'),
    dataset: ['1', '2', '3', '4', '5'],
    evidence: [],
    configuration: {},
    metrics: {},
    sketches: null,
    codeHash: hash('c'),
    weights: measured.map(({ contributionId, influence, standardError }, i) => ({
      contributionId,
      contributor: account(7),
      influence: String(influence),
      standardError: String(standardError),
      weight: String(weights[i]),
      reason: 'it counts',
    })),
    earlier: earlier
      .map((one) => recordInfluence({ ...one, standardError: 0.01 }, items.length))
      .map(({ contributionId, influence, standardError }) => ({
        contributionId,
        influence: String(influence),
        standardError: String(standardError),
      })),
  })
  await insertChain(db, 5)
  await insert(db, Model, { id: '1', specHash, proposer: account(3) })
  for (const id of ['1', '2']) await insert(db, Datanet, { id, modelId: '1', owner: account(3), comparison: 'prose' })
  await insert(db, Mandate, { id: '1', modelId: '1', rubricHash: rubric })
  await insert(db, ModelVersion, { id: '1', modelId: '1', manifestHash, adapterHash: adapter })
  if (details !== undefined) {
    const all = items.map(() => 1)
    const { score, lower, upper } = loggedMetric(summariseMetric({ name: 'exact', kind: 'exact' }, all, undefined))
    const metrics = [{ metric: 'exact', score: `${score}`, lower: `${lower}`, upper: `${upper}`, n: items.length }]
    const facts = { versionId: '1', rubric, items: sealed, seed: 1, metrics }
    const logHash = await document(sealEvaluationLog(facts, held, details))
    const row = { id: '1', versionId: '1', rubricHash: rubric, metric: 'exact', n: items.length, logHash }
    await insert(db, Evaluation, { ...row, score, lower, upper })
  }
  const commitments = samples.map((_, i) => ({ commitment: hash(String(i + 1)), contributor: account(7) }))
  const positions = [1, 2, 3, 4, 5, 0] // the sixth was committed first
  await insertAll(
    db,
    Commitment,
    commitments.map((one, i) => ({
      ...one,
      id: `${one.commitment}-${one.contributor}`,
      position: `0000000002-00000${positions[i]}`,
    })),
  )
  await insertAll(
    db,
    Contribution,
    uniqueness.map((value, i) => ({
      ...commitments[i],
      id: String(i + 1),
      datanetId: i === 5 ? '2' : '1',
      status: i === 5 ? 'Submitted' : 'Accepted', // whenever it is scored, it was committed
      uniqueness: value,
      contentHash: contents[i],
    })),
  )
  const job = { db, artifacts, report() {}, log: silent } as unknown as JobContext<'resolveDispute'> // what the recomputation uses
  const dependencies = { cache: join(folder, 'cache'), deployment: undefined as never }
  const dispute = { id: '1', subject: 'Version', subjectId: '1', openedAt: new Date() } as const
  const { findings } = await recomputeDispute(job, dependencies, dispute)
  return findings
}

test('the weights of a fine-tuned version are recomputed from its manifest and the chain', async () => {
  const [right] = await versionWith((weights) => weights)
  expect(right?.ground).toBe('weights')
  expect(right?.recomputed).toBe(right?.recorded)
  expect(right?.recorded).toContain('3:0') // it has nothing new
  expect(right?.recorded).toContain('4:0') // it adds nothing to the first, which it holds
  expect(right?.recorded).toContain('5:0') // nor to the sixth, of another datanet
})

test('a copy with noise of what another datanet of the model has differs when it is counted, and when the influence of the original is not stated', async () => {
  const counted = (weights: bigint[]) => weights.map((weight, i) => (i === 4 ? 150_000_000_000_000n : weight))
  for (const earlier of [undefined, []]) {
    const [forged] = await versionWith(counted, { earlier })
    expect(forged?.recomputed).not.toBe(forged?.recorded)
  }
  const [honest] = await versionWith((weights) => weights, { earlier: [] })
  expect(honest?.recomputed).toBe('what they add to 6, whose influence is not stated')
  const [helpful] = await versionWith((weights) => weights, { earlier: [{ contributionId: '6', influence: 0.01 }] })
  expect(helpful?.recomputed).not.toContain('5:0') // the noise teaches more than the original
})

test('a copy with noise whose weight somebody counted in full differs', async () => {
  const [forged] = await versionWith((weights) => weights.map((weight, i) => (i === 3 ? 180_000_000_000_000n : weight)))
  expect(forged?.recomputed).not.toBe(forged?.recorded)
})

test('a weight that somebody raised differs', async () => {
  const [forged] = await versionWith(([first = 0n, ...others]) => [first + 1n, ...others])
  expect(forged?.recomputed).not.toBe(forged?.recorded)
})

test('the log of an evaluation is checked with the items: scores that its answers do not have are a ground', async () => {
  const logOf = (answer: string) => ({
    eval: { metadata: { seed: 1 } },
    samples: Array.from({ length: 40 }, (_, i) => ({
      ...{
        input: `p${i}`,
        target: 'c',
        output: { completion: i === 7 ? answer : 'c' },
        scores: { exact: { value: 1 } },
      },
    })),
  })
  const groundOf = async (details: unknown) => {
    const findings = await versionWith((weights) => weights, { details })
    return findings.find(({ ground }) => ground === 'evaluation')
  }
  expect(await groundOf(logOf('c'))).toEqual({ ground: 'evaluation', recorded: 'right', recomputed: 'right' })
  expect(await groundOf(logOf('d'))).toEqual({ ground: 'evaluation', recorded: 'right', recomputed: 'wrong' })
  expect(await groundOf('no log')).toMatchObject({ recomputed: 'wrong' })
  expect(await groundOf(undefined)).toBeUndefined()
})

test('a disputed sample that is a model is not read into memory', async () => {
  const { db, artifacts, folder } = await testWorker()
  const document = (value: unknown) => artifacts.put(documentBytes(value))
  const sealed = await document({ salt: hash('5'), items: [{ prompt: 'p', completion: 'c' }] })
  const metrics = [{ name: 'exact', kind: 'exact' }]
  const rubric = await document({ metrics, test: sealed, validation: sealed, maxTokens: 4 })
  const samples = { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 100 }
  const named = { name: 'Clerk', purpose: 'To test.', licence: 'CC0-1.0', integration: 'none' }
  const specHash = await document({ ...named, baseModel: hash('b'), rubric, samples })
  await insertChain(db, 5)
  await insert(db, Model, { id: '1', specHash })
  await insert(db, Mandate, { id: '1', modelId: '1', rubricHash: rubric })
  await insert(db, Datanet, { id: '1', modelId: '1', comparison: 'prose' })
  const [commitment, contributor, model] = [hash('1'), account(7), hash('7')]
  await insert(db, Commitment, { id: `${commitment}-${contributor}`, commitment, contributor, position: '1-1' })
  const given = { id: '1', datanetId: '1', commitment, contributor, contentHash: model, status: 'Submitted' } as const
  await insert(db, Contribution, given)
  const get = artifacts.get.bind(artifacts)
  vi.spyOn(artifacts, 'get').mockImplementation(async (name, options) => {
    if (name !== model) return get(name, options)
    if (options?.maxBytes === undefined) throw new RangeError('File size (5368709120) is greater than 2 GiB')
    throw new ArtifactError('tooLarge', `Artifact ${name} is too large.`)
  })
  const job = { db, artifacts, report() {}, log: silent } as unknown as JobContext<'resolveDispute'>
  const dispute = { id: '1', subject: 'Contribution', subjectId: '1', openedAt: new Date() } as const
  const { findings } = await recomputeDispute(job, { cache: folder, deployment: undefined as never }, dispute)
  expect(findings.map(({ ground }) => ground)).toEqual(['harmful'])
})

test('a mirror that does not answer holds no verdict on a map for longer than 72 hours, if the own store and another mirror have none of its artifacts', async () => {
  const { sql, artifacts, sources, publish } = await epochRows()
  const map = await computeEpoch(sources, { epoch: 1, usage: [], absent: [] })
  await publish(map, { root: digitHash('f'), uri: digitHash('9') })
  const openedAt = new Date(1_900_000_000_000)
  const answer = (hours: number, ...outcomes: ('missing' | 'unreachable')[]) => {
    const mirrors = outcomes.map((outcome) => ({
      where: `https://${outcome}.example`,
      getFile: () => Promise.reject(new MirrorError(outcome, `It is ${outcome}.`)),
    }))
    const client = { getBlock: async () => ({ hash: map.blockHash }) }
    const chain = { client, now: async () => openedAt.getTime() / 1000 + hours * 3600 }
    const of = { db: sql, artifacts: mirroredArtifacts(artifacts, mirrors), chain, report() {}, log: silent }
    const dispute = { id: '1', subject: 'RewardMap', subjectId: '1', openedAt } as const
    const dependencies = { cache: '', deployment: sources.deployment as never }
    return recomputeDispute(of as unknown as JobContext<'resolveDispute'>, dependencies, dispute)
  }
  await expect(answer(71, 'missing', 'unreachable')).rejects.toThrow(PendingError)
  const { findings } = await answer(72, 'missing', 'unreachable')
  expect(findings).toMatchObject([{ ground: 'root', recorded: 'readable artifacts' }])
  await expect(answer(72, 'unreachable', 'unreachable')).rejects.toThrow(ArtifactStoreError)
})
