import fc from 'fast-check'
import type { Address } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { contentsOf, submitBatch } from './batch.ts'
import { mandate, version } from './mandate.ts'
import {
  ALICE,
  BOB,
  CAROL,
  ETHER,
  GENESIS,
  hashOf,
  OPERATOR,
  PROPOSER,
  RESOLVER,
  SETTINGS,
  STRANGER,
  startWorld,
  type World,
} from './world.ts'

const [CONTRIBUTION, VERSION] = [0, 2]
const [UPHELD, REJECTED, LAPSED] = [1, 2, 3]
/** The second contribution has a stake of which a tenth is more than the least bond. */
const STAKES = [3n * ETHER, 80n * ETHER]
const CHALLENGERS = [BOB, CAROL, STRANGER]

let world: World
let timelock: Address
let subjects: [kind: number, id: bigint][]
beforeAll(async () => {
  world = await startWorld()
  timelock = await world.impersonate(world.at.TimelockController)
  const modelId = await mandate(world)
  const versionId = await version(world, modelId, OPERATOR.address)
  await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', 0n, 0])
  for (const [i, stakeEach] of STAKES.entries())
    await submitBatch(world, {
      datanetId: 1n,
      contributor: ALICE.address,
      contents: contentsOf(`sample ${i}`, 1),
      stakeEach,
      salt: hashOf(`salt ${i}`),
      deadline: BigInt(GENESIS + 10_000_000),
    })
  subjects = [
    [CONTRIBUTION, 1n],
    [CONTRIBUTION, 2n],
    [VERSION, versionId],
  ]
})
afterAll(() => world?.anvil.stop())

type Open = {
  id: bigint
  kind: number
  bond: bigint
  challenger: Address
  openedAt: number
  verdict?: { upheld: boolean; slash: bigint; at: number }
}

const step = fc.record({
  kind: fc.constantFrom('open', 'open', 'rule', 'rule', 'enforce', 'enforce', 'resolve', 'wait', 'wait'),
  which: fc.nat(2),
  who: fc.nat(2),
  upheld: fc.boolean(),
  slash: fc.constantFrom(0n, ETHER, 70n * ETHER, 500n * ETHER),
  seconds: fc.constantFrom(100, SETTINGS.reopenTime, SETTINGS.appealTime, SETTINGS.disputeTerm),
})

test('whatever happens, in any order, bonds are kept apart, verdicts wait, and no challenger gains more than its bond', async () => {
  const ended = new Map([UPHELD, REJECTED, LAPSED].map((outcome) => [outcome, 0]))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
      await world.undone(async () => {
        const open: Open[] = []
        for (const { kind, which, who, upheld, slash: asked, seconds } of steps) {
          const [subjectKind, subject] = must(subjects[which])
          const one = open[which % Math.max(open.length, 1)]
          const now = (await world.now()) + 1
          if (kind === 'wait') await world.warp(seconds)
          else if (kind === 'open') {
            const from = must(CHALLENGERS[who]).address
            const args = [subjectKind, subject, hashOf('evidence')] as const
            if ((await world.errorOf(from, 'Disputes', 'open', args)).name !== 'none') continue
            const bond = await world.read('Disputes', 'bondFor', [subjectKind, subject])
            await world.send(from, 'Disputes', 'open', args)
            const id = await world.read('Disputes', 'disputeCount', [])
            open.push({ id, kind: subjectKind, bond, challenger: from, openedAt: now })
          } else if (one) {
            const slash = upheld && one.kind === CONTRIBUTION ? asked : 0n
            if (kind === 'rule') {
              const late = now >= one.openedAt + SETTINGS.disputeTerm
              const { name } = await world.errorOf(RESOLVER, 'Disputes', 'rule', [one.id, upheld, slash])
              expect(name).toBe(one.verdict ? 'Disputes.AlreadyRuled' : late ? 'Disputes.NotDue' : 'none')
              if (name !== 'none') continue
              await world.send(RESOLVER, 'Disputes', 'rule', [one.id, upheld, slash])
              one.verdict = { upheld, slash, at: await world.now() }
            } else await end(open, one, kind === 'resolve' ? { upheld, slash } : undefined, now)
          }
          const bonds = open.reduce((sum, { bond }) => sum + bond, 0n)
          expect(await world.balance(world.at.Disputes)).toBe(bonds)
        }
      })
    }),
    { numRuns: 25, seed: 12 },
  )
  for (const [outcome, count] of ended) expect(count, String(outcome)).toBeGreaterThan(0)

  /** Ends a dispute by the timelock (`decision`) or by what is due; money moves as the model says. */
  async function end(open: Open[], one: Open, decision: { upheld: boolean; slash: bigint } | undefined, now: number) {
    const { id, bond, challenger, verdict } = one
    const due = now >= (verdict ? verdict.at + SETTINGS.appealTime : one.openedAt + SETTINGS.disputeTerm)
    const from = decision ? timelock : STRANGER.address
    const call = decision
      ? (['resolve', [id, decision.upheld, decision.slash]] as const)
      : (['enforce', [id]] as unknown as ['resolve', [bigint, boolean, bigint]]) // one of two calls
    const { name } = await world.errorOf(from, 'Disputes', ...call)
    expect(name).toBe(decision || due ? 'none' : 'Disputes.NotDue')
    if (name !== 'none') return
    const [had, treasury] = [await world.balance(challenger), await world.balance(world.at.Treasury)]
    const { events } = await world.send(from, 'Disputes', ...call)
    const resolved = events.find((event) => event.name === 'DisputeResolved')
    const { outcome, slashed } = must(resolved).args as { outcome: number; slashed: bigint }
    const decided = decision ?? verdict
    expect(outcome).toBe(decided ? (decided.upheld ? UPHELD : REJECTED) : LAPSED)
    expect(slashed <= (decided?.slash ?? 0n)).toBe(true)
    const bounty = slashed / 2n < bond ? slashed / 2n : bond
    const returned = outcome === REJECTED ? 0n : bond
    expect((await world.balance(challenger)) - had).toBe(returned + bounty)
    expect((await world.balance(world.at.Treasury)) - treasury).toBe(bond - returned + slashed - bounty)
    open.splice(open.indexOf(one), 1)
    ended.set(outcome, (ended.get(outcome) ?? 0) + 1)
  }
})
