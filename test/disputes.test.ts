import { join } from 'node:path'
import type { Hex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { mandate } from '#contracts/test/mandate.ts'
import {
  hashOf,
  OPERATOR,
  RESOLVER,
  ROLE_HOLDERS,
  SETTINGS,
  STRANGER,
  startWorld,
  type World,
} from '#contracts/test/world.ts'
import { startIndexer } from '#indexer/index.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { disputeEvidenceDocument, documentBytes, putDocument } from '#schema/documents.ts'
import { resolveDisputeHandler } from '#workers/handlers/resolveDispute.ts'
import { type JobContext, PendingError } from '#workers/job.ts'
import { silent, temporaryFolder } from '#workers/test/testWorker.ts'
import { openWorldClient } from '#workers/test/worldClient.ts'
import { freshDatabase } from './database.ts'

/** Disputes on a real chain, from the opening to the end of the appeal, by the resolver's key. */

const VERSION = 2
const DAY = 86_400

async function disputeSystem() {
  const world = await startWorld({ disputeTerm: 10 * DAY })
  onTestFinished(() => world.anvil.stop())
  const modelId = await mandate(world)
  const folder = await temporaryFolder()
  const artifacts = localStore(join(folder, 'artifacts'))
  const db = await freshDatabase()
  const stop = new AbortController()
  const indexer = await startIndexer({
    db,
    rpcUrl: world.anvil.url,
    deployment: world.deployment,
    signal: stop.signal,
    pollMs: 20,
  })
  onTestFinished(async () => {
    stop.abort()
    await indexer.stopped
  })
  const { deployment } = world
  const chain = await openWorldClient(world, RESOLVER, db)
  const handler = resolveDisputeHandler({ cache: join(folder, 'cache'), deployment })
  /** One attempt of the job. */
  const attempt = async (disputeId: bigint) => {
    await world.mine()
    await indexer.caughtUp()
    const job = { id: 'j', kind: 'resolveDispute', attempt: 1, input: { disputeId: String(disputeId) } } as const
    const context = { ...job, db, artifacts, chain, log: silent, report() {}, signal: stop.signal }
    return handler(context as unknown as JobContext<'resolveDispute'>) // the parts of a context that the handler uses
  }
  return { world, modelId, artifacts, attempt }
}

const weight = (contributionId: string, amount: bigint) => ({
  contributionId,
  contributor: STRANGER.address.toLowerCase(),
  influence: '1',
  standardError: '1',
  weight: String(amount),
  reason: 'it counts',
})

/** Registers a version with this manifest and adapter. */
async function register(
  { world, modelId, artifacts }: Awaited<ReturnType<typeof disputeSystem>>,
  over: { parent?: bigint; weights?: ReturnType<typeof weight>[]; adapter?: Hex } = {},
) {
  const adapter = over.adapter ?? ((await artifacts.put(documentBytes({ any: 'adapter' }))) as Hex)
  const manifest = {
    modelId: String(modelId),
    parentVersionId: over.parent === undefined ? null : String(over.parent),
    method: 'rloo',
    baseModel: hashOf('base'),
    adapter,
    datasetRoot: hashOf('dataset'),
    dataset: [],
    evidence: [],
    configuration: {},
    metrics: {},
    sketches: null,
    weights: over.weights ?? [],
    codeHash: hashOf('code'),
  }
  const manifestHash = (await artifacts.put(documentBytes(manifest))) as Hex
  await world.send(OPERATOR, 'ModelRegistry', 'registerVersion', [
    modelId,
    over.parent ?? 0n,
    'rloo',
    hashOf('dataset'),
    manifestHash,
    adapter,
  ])
  return world.read('ModelRegistry', 'versionCount', [])
}

async function dispute(world: World, versionId: bigint, evidenceHash: Hex) {
  await world.send(STRANGER, 'Disputes', 'open', [VERSION, versionId, evidenceHash])
  return world.read('Disputes', 'disputeCount', [])
}

test('a version is broken when nobody could fetch its adapter for 72 hours, and the verdict waits for the appeal', async () => {
  const system = await disputeSystem()
  const { world, artifacts, attempt } = system
  const content = documentBytes({ rare: 'adapter' })
  const elsewhere = localStore(await temporaryFolder())
  const lost = (await elsewhere.put(content)) as Hex
  const late = await register(system, { adapter: lost })
  const gone = await register(system, { adapter: hashOf('an adapter that nobody has') })
  // An unknown ground: every ground is recomputed all the same.
  const evidence = await putDocument(artifacts, disputeEvidenceDocument, { ground: 'colour', statement: 'Ugly.' })
  const [first, second] = [await dispute(world, late, evidence as Hex), await dispute(world, gone, evidence as Hex)]

  for (const id of [first, second])
    await expect(attempt(id)).rejects.toThrow(/only if nobody can fetch it for 72 hours/)
  await artifacts.put(content) // somebody serves it again
  await world.warp(3 * DAY)
  for (const id of [first, second]) await expect(attempt(id)).rejects.toBeInstanceOf(PendingError)
  const verdict = async (id: bigint) => (await world.read('Disputes', 'disputes', [id]))[3]
  expect([await verdict(first), await verdict(second)]).toEqual([2, 1])
  expect(await world.read('ModelRegistry', 'isRolledBack', [gone])).toBe(false)

  await world.warp(SETTINGS.appealTime)
  expect((await attempt(second)).result).toEqual({ disputeId: String(second), outcome: 'upheld' })
  expect((await attempt(first)).result).toEqual({ disputeId: String(first), outcome: 'rejected' })
  expect(await world.read('ModelRegistry', 'isRolledBack', [gone])).toBe(true)
  expect(await world.read('ModelRegistry', 'isRolledBack', [late])).toBe(false)
})

test('what nobody decides within its term lapses, and the bond goes back', async () => {
  const system = await disputeSystem()
  const { world, artifacts, attempt } = system
  const version = await register(system)
  const evidence = await putDocument(artifacts, disputeEvidenceDocument, { ground: 'harm', statement: 'It insults.' })
  const id = await dispute(world, version, evidence as Hex)
  await expect(attempt(id)).rejects.toMatchObject({ code: 'NEEDS_VOTE' })
  await world.warp(10 * DAY)
  const before = await world.balance(STRANGER.address)
  expect((await attempt(id)).result).toEqual({ disputeId: String(id), outcome: 'lapsed' })
  expect((await world.balance(STRANGER.address)) - before).toBe(SETTINGS.minDisputeBond)
})

test('an aligned version whose weights are not its parent’s falls by recomputation, unless the timelock decides otherwise', async () => {
  const system = await disputeSystem()
  const { world, attempt } = system
  const parent = await register(system, { weights: [weight('1', 7n), weight('2', 3n)] })
  const forged = await register(system, { parent, weights: [weight('1', 1n), weight('2', 9n)] })
  const honest = await register(system, { parent, weights: [weight('2', 3n), weight('1', 7n)] })
  const [one, two] = [await dispute(world, forged, hashOf('nothing')), await dispute(world, honest, hashOf('nothing'))]
  for (const id of [one, two]) await expect(attempt(id)).rejects.toThrow(/takes effect at/)
  const verdict = async (id: bigint) => (await world.read('Disputes', 'disputes', [id]))[3]
  expect([await verdict(one), await verdict(two)]).toEqual([1, 2])
  const timelock = await world.impersonate(world.at.TimelockController)
  await world.send(timelock, 'Disputes', 'resolve', [one, false, 0n])
  expect((await attempt(one)).result).toEqual({ disputeId: String(one), outcome: 'rejected' })
  expect(await world.read('ModelRegistry', 'isRolledBack', [forged])).toBe(false)
  expect(ROLE_HOLDERS.resolver).not.toBe(ROLE_HOLDERS.operator)
})
