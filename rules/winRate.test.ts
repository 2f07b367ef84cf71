import { expect, test } from 'vitest'
import { lostText, lostWinRate } from './winRate.ts'

const measured = (metric: string, upper: bigint) => ({ metric, score: 400_000n, lower: 300_000n, upper, n: 160n })

test('a version has lost when its win rate is below one half at the upper bound; other metrics, and none, lose nothing', () => {
  const lost = measured('winRate', 499_999n)
  expect(lostWinRate([measured('exact', 400_000n), lost])).toBe(lost)
  for (const metrics of [[], [measured('winRate', 500_000n)], [measured('exact', 400_000n)]])
    expect(lostWinRate(metrics)).toBe(undefined)
  expect(lostText(lost)).toBe(
    'Its answers lose to those of the version before: winRate 0.4 (0.3 to 0.499999, 160 items).',
  )
})
