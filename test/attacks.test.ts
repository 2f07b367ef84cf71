import { afterAll, expect, test } from 'vitest'
import { meanOf } from '#math/summary.ts'
import { ATTACKS } from './checks/attacks/index.ts'
import { MONEY_ATTACKS } from './checks/attacks/money/index.ts'
import { judgeAttempts } from './checks/attacks/money/judgeAttempts.ts'
import { closeWorlds } from './checks/attacks/money/worlds.ts'
import { marginOf } from './checks/attacks.ts'

/** Each attack is played with a few seeds here; `npm run check -- attacks` plays many. The seeds differ from attack to attack, because each seed
 *  plays one kind of samples only. */
test.each(ATTACKS.map((attack, nth) => ({ ...attack, nth })).filter(({ chance }) => !chance))(
  'no attacker gains more than the rules allow: $name',
  async ({ nth, limit, play }) => {
    for (const seed of [2001 + nth, 2002 + nth]) {
      const { before, after } = await play(seed)
      expect(after).toBeLessThanOrEqual(limit ?? before * 1.5)
    }
  },
)

/** Where chance plays, the gain of a few seeds must not be above the limit by more than chance explains. */
test.each(ATTACKS.filter(({ chance }) => chance))(
  'no attacker gains more on average than the rules allow: $name',
  async ({ limit, play }) => {
    const gained: number[] = []
    for (let seed = 1; seed <= 12; seed++) gained.push((await play(seed)).after)
    expect(meanOf(gained) - marginOf(gained)).toBeLessThanOrEqual(limit ?? Infinity)
  },
)

afterAll(closeWorlds)

/** Where chance decides, the mean of few seeds has wide bounds. */
const CHANCE_SEEDS = 100

test.each(MONEY_ATTACKS)('no attacker earns its gas, or stops anybody: $name', async (attack) => {
  const seeds = attack.seeds > CHANCE_SEEDS ? CHANCE_SEEDS : 1
  const played = []
  for (let seed = 1; seed <= seeds; seed++) played.push(await attack.play(seed))
  const row = judgeAttempts(attack, played)
  expect(row).toMatchObject({ ok: true })
  expect(played.some(({ without }) => without.gained > without.paid || without.stopped > 0)).toBe(true)
})
