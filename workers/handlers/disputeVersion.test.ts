import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, mandate, version } from '#contracts/test/mandate.ts'
import { OPERATOR, STRANGER, startWorld, type World } from '#contracts/test/world.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { disputeEvidenceDocument, getDocument } from '#schema/documents.ts'
import { Mandate, ModelVersion, Target } from '#schema/onchain/models.ts'
import { freshDatabase } from '#test/database.ts'
import { insert, insertChain } from '#test/factory.ts'
import type { JobContext } from '../job.ts'
import { silent, temporaryFolder } from '../test/testWorker.ts'
import { openWorldClient } from '../test/worldClient.ts'
import { disputeVersionHandler } from './disputeVersion.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

const RUBRIC = `0x${'2'.repeat(64)}`
const VERSION = 2

test('a version that fell below its mandate is disputed once, with figures and no item as evidence, within the operator’s limit', async () => {
  const modelId = await mandate(world)
  const versionId = String(await version(world, modelId, OPERATOR.address))
  await evaluate(world, BigInt(versionId), OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [BigInt(versionId)])
  const db = await freshDatabase()
  await insertChain(db, 1_000)
  await insert(db, Mandate, { id: '1', modelId: '1', rubricHash: RUBRIC })
  await insert(db, Target, { id: '1-exact', modelId: '1', metric: 'exact', minimum: 500_000n, mayFall: false })
  await insert(db, ModelVersion, { id: versionId, modelId: '1', status: 'Promoted' })
  const measure = (period: number, score: number, rubric = RUBRIC) => {
    const metric = { metric: 'exact', score, lower: score - 90_000, upper: score + 90_000, n: 40 }
    const metrics = [Object.fromEntries(Object.entries(metric).map(([name, value]) => [name, String(value)]))]
    const result = { versionId, rubric, period, everySeconds: 60, part: period % 2, parts: 2, metrics }
    return db.query(
      `insert into job_run (id, kind, queue, input, result, status, attempt, attempts, priority, progress, idempotency_key, cancel_requested, created_at)
       values ($1, 'monitorVersion', 'training', $2, $3, 'Succeeded', 1, 5, 0, 1, $1, false, now())`,
      [`${period} ${rubric.length}`, JSON.stringify({ versionId }), JSON.stringify(result)],
    )
  }
  const artifacts = localStore(await temporaryFolder())
  const chain = await openWorldClient(world, OPERATOR, db)
  const dispute = (maxBondWei = String(10n ** 20n)) =>
    disputeVersionHandler({
      ...{ db, chain, log: silent, input: { versionId, maxBondWei } },
      put: ({ bytes }: { bytes: Uint8Array }) => artifacts.put(bytes),
    } as unknown as JobContext<'disputeVersion'>)

  await expect(dispute()).rejects.toMatchObject({ code: 'NOT_BELOW' })
  await measure(100, 300_000)
  await expect(dispute()).rejects.toMatchObject({ code: 'NOT_BELOW' }) // half of the items
  await measure(101, 300_000, `${RUBRIC}0`)
  await expect(dispute()).rejects.toMatchObject({ code: 'NOT_BELOW' }) // by another rubric
  await measure(103, 310_000)
  await measure(102, 300_000)
  await expect(dispute('1')).rejects.toMatchObject({ code: 'BOND_TOO_HIGH' })
  const bond = await chain.read('Disputes', 'bondFor', [VERSION, BigInt(versionId)])
  const held = await chain.read('GOpen', 'balanceOf', [chain.account])
  if (held > 0n) await world.send(OPERATOR, 'GOpen', 'transfer', [STRANGER.address, held])
  await expect(dispute()).rejects.toMatchObject({ code: 'NO_BOND', message: expect.stringContaining(`${bond} wei`) })
  await world.send(OPERATOR, 'GOpen', 'deposit', [], bond)

  const { result } = await dispute()
  expect(result).toMatchObject({ versionId, disputeId: '1', existed: false, rotation: 51 })
  const opened = await chain.read('Disputes', 'disputes', [1n])
  expect(opened).toContain(OPERATOR.address)
  const evidence = await getDocument(artifacts, disputeEvidenceDocument, opened[9])
  expect(evidence.ground).toBe('harm')
  expect(evidence.statement).toMatch(/exact 0.305 \(0.24136 to 0.36864, 80 items\) is below 0.5/)
  expect((await dispute()).result).toMatchObject({ disputeId: '1', existed: true })
  expect(await chain.read('Disputes', 'disputeCount', [])).toBe(1n)
  await db.query(`update model_version set status = 'RolledBack'`)
  await expect(dispute()).rejects.toMatchObject({ code: 'NOT_PROMOTED' })
})
