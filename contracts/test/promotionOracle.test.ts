import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { judgeVersion, liveVersion, type MetricEvaluation } from '#rules/promotion.ts'
import { evaluate, mandate, RUBRIC, startVotingWorld, TERMS, version } from './mandate.ts'
import { restoreWorld } from './restoreWorld.ts'
import { hashOf, OPERATOR, STRANGER, type World } from './world.ts'

/** Rule 15 agrees with the contracts: random evaluations on a real EVM, compared after each step. */

let world: World
beforeAll(async () => {
  world = await startVotingWorld()
})
restoreWorld(() => world)

describe('rule 15', () => {
  const metric = fc.record({
    metric: fc.constantFrom('accuracy', 'accuracy', 'margin', 'other'),
    lower: fc.constantFrom(-50_001n, -50_000n, 699_999n, 700_000n, 700_000n),
    width: fc.bigInt(0n, 100_000n),
  })

  test('a version meets its targets by the rule exactly when it does by the contract', async () => {
    const modelId = await mandate(world)
    const versionId = await version(world, modelId, OPERATOR.address)
    let met = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(metric, { minLength: 1, maxLength: 3 }), { maxLength: 4 }), (logs) =>
        world.undone(async () => {
          const evaluations: MetricEvaluation[] = []
          for (const log of logs) {
            const metrics = log.map(({ metric: name, lower, width }) => ({
              metric: name,
              score: lower + width / 2n,
              lower,
              upper: lower + width,
              n: 100n,
            }))
            const args = [versionId, RUBRIC, metrics, hashOf('log')] as const
            const { name } = await world.errorOf(OPERATOR, 'EvaluationRegistry', 'log', args)
            if (new Set(log.map((one) => one.metric)).size < log.length) {
              expect(name).toBe(`EvaluationRegistry.${evaluations.length > 0 ? 'AlreadyEvaluated' : 'RepeatedMetric'}`)
              continue
            }
            expect(name).toBe(evaluations.length > 0 ? 'EvaluationRegistry.AlreadyEvaluated' : 'none')
            if (name !== 'none') continue
            await world.send(OPERATOR, 'EvaluationRegistry', 'log', args)
            evaluations.push(...metrics.map((one, i) => ({ ...one, order: BigInt(evaluations.length + i) })))
          }
          const { promotable } = judgeVersion(TERMS.targets, evaluations)
          expect(await world.read('EvaluationRegistry', 'meets', [versionId, RUBRIC, TERMS.targets])).toBe(promotable)
          if (promotable) met++
        }),
      ),
      { numRuns: 150, seed: 15 },
    )
    expect(met).toBeGreaterThan(3)
  })

  test('a version is worse than the live one by the rule exactly when it is by the contract', async () => {
    const modelId = await mandate(world)
    const [live, next] = [
      await version(world, modelId, OPERATOR.address),
      await version(world, modelId, OPERATOR.address),
    ]
    const interval = fc.record({ lower: fc.bigInt(-60_000n, 60_000n), width: fc.bigInt(0n, 60_000n) })
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ live: interval, next: interval, mayFall: fc.boolean() }), { minLength: 1, maxLength: 3 }),
        (metrics) =>
          world.undone(async () => {
            const targets = metrics.map(({ mayFall }, i) => ({ metric: `m${i}`, minimum: -60_000n, mayFall }))
            const logged = async (id: bigint, side: 'live' | 'next'): Promise<MetricEvaluation[]> => {
              const rows = metrics.map((one, i) => {
                const { lower, width } = one[side]
                return { metric: `m${i}`, score: lower, lower, upper: lower + width, n: 9n }
              })
              await world.send(OPERATOR, 'EvaluationRegistry', 'log', [id, RUBRIC, rows, hashOf('log')])
              return rows.map((row) => ({ ...row, order: 0n }))
            }
            const { results } = judgeVersion(targets, await logged(next, 'next'), await logged(live, 'live'))
            const worse = results.find(({ verdict }) => verdict === 'worse')?.target.metric ?? ''
            expect(await world.read('EvaluationRegistry', 'worseAt', [next, live, RUBRIC, targets])).toBe(worse)
            seen.add(worse)
          }),
      ),
      { numRuns: 60, seed: 151 },
    )
    expect([...seen].sort()).toEqual(['', 'm0', 'm1', 'm2'])
  })

  test('the live version is the contract’s after any promotions and rollbacks', async () => {
    const modelId = await mandate(world)
    const timelock = await world.impersonate(world.at.TimelockController)
    const ids: bigint[] = []
    for (let i = 0; i < 4; i++) {
      ids.push(await version(world, modelId, OPERATOR.address))
      await evaluate(world, ids.at(-1) ?? 0n, OPERATOR.address)
    }
    const action = fc.record({ id: fc.constantFrom(...ids), rollback: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 10 }), (actions) =>
        world.undone(async () => {
          const [promoted, gone] = [new Set<bigint>(), new Set<bigint>()]
          for (const { id, rollback } of actions) {
            if (rollback) {
              if (gone.has(id)) continue
              await world.send(timelock, 'ModelRegistry', 'rollback', [id, 'worse'])
              gone.add(id)
            } else if ((await world.errorOf(STRANGER, 'ModelRegistry', 'promote', [id])).name === 'none') {
              await world.send(STRANGER, 'ModelRegistry', 'promote', [id])
              promoted.add(id)
            }
            const serving = [...promoted].filter((one) => !gone.has(one))
            expect(await world.read('ModelRegistry', 'liveVersion', [modelId])).toBe(liveVersion(serving) ?? 0n)
          }
        }),
      ),
      { numRuns: 40, seed: 16 },
    )
  })
})
