import { expect, test } from 'vitest'
import { ATTACKS } from './checks/attacks/index.ts'

/** Each attack is played with a few seeds here; `npm run check -- attacks` plays many. The seeds differ from attack to attack, because each seed
 *  plays one kind of samples only. */
test.each(ATTACKS.map((attack, nth) => ({ ...attack, nth })))(
  'no attacker gains more than the rules allow: $name',
  async ({ nth, limit, play }) => {
    for (const seed of [2001 + nth, 2002 + nth]) {
      const { before, after } = await play(seed)
      expect(after).toBeLessThanOrEqual(limit ?? before * 1.5)
    }
  },
)
