/** Rule 5, amendment 5a (clones): judges whose errors on gold tasks coincide beyond chance. */

import { PPM, sqrtUp } from './bps.ts'
import type { GoldAnswer } from './gold.ts'

/** The significance level: the probability that the errors of two independent judges count as coinciding, at most 0.01 %. */
const COINCIDENCE_LEVEL_PPM = 100n

/** The correlation of two judges' errors, in ppm, for both orders of the pair; pairs without one are left out. */
export type Correlations = ReadonlyMap<string, ReadonlyMap<string, bigint>>

/**
 * The correlation ρ (phi) of the errors of each two judges on the gold tasks that both answered, where both err on the same tasks more often than
 * chance explains (Fisher's exact test). Judges without errors have none, however much they agree.
 */
export function errorCorrelations(answers: readonly GoldAnswer[]): Correlations {
  const wrong = new Map<string, Map<string, boolean>>()
  for (const { taskId, validator, right } of answers) {
    const own = wrong.get(validator) ?? new Map<string, boolean>()
    wrong.set(validator, own.set(taskId, !right))
  }
  const found = new Map<string, Map<string, bigint>>()
  const judges = [...wrong]
  judges.forEach(([first, own], at) => {
    for (const [second, other] of judges.slice(at + 1)) {
      const correlation = phi(own, other)
      if (correlation === 0n) continue
      for (const [a, b] of [
        [first, second],
        [second, first],
      ] as const)
        found.set(a, (found.get(a) ?? new Map<string, bigint>()).set(b, correlation))
    }
  })
  return found
}

/** What is left of a judge's pay: `1 / (1 + Σ ρ)`, in ppm. Of n judges that always err together, each keeps 1 / n. */
export function independence(correlations: Correlations, judge: string): bigint {
  const sum = [...(correlations.get(judge)?.values() ?? [])].reduce((total, value) => total + value, PPM)
  return (PPM * PPM) / sum
}

/**
 * The effective number of judges in ppm of a judge (Kish 1965): `(Σ w)² / ΣΣ w w ρ`. It is the number of independent judges with equal weights whose
 * mean errs as much. `weights` in any unit; ρ of a judge with itself is 1.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { effectiveJudges } from '#rules/coincidence.ts'
 *
 * const equal = new Map([['a', 1n], ['b', 1n], ['c', 1n]])
 * assert.equal(effectiveJudges(equal, new Map()), 3_000_000n)
 * const clones = new Map([['a', new Map([['b', 1_000_000n]])], ['b', new Map([['a', 1_000_000n]])]])
 * assert.equal(effectiveJudges(equal, clones), 1_800_000n) // 9 / (4 + 1)
 * ```
 */
export function effectiveJudges(weights: ReadonlyMap<string, bigint>, correlations: Correlations): bigint {
  let [sum, spread] = [0n, 0n]
  for (const [judge, weight] of weights) {
    sum += weight
    spread += weight * weight * PPM
    for (const [other, correlation] of correlations.get(judge) ?? [])
      spread += weight * (weights.get(other) ?? 0n) * correlation
  }
  return spread === 0n ? 0n : (sum * sum * PPM * PPM) / spread
}

function phi(first: ReadonlyMap<string, boolean>, second: ReadonlyMap<string, boolean>): bigint {
  let [n, a, b, both] = [0n, 0n, 0n, 0n]
  for (const [taskId, failed] of first) {
    const other = second.get(taskId)
    if (other === undefined) continue
    n++
    if (failed) a++
    if (other) b++
    if (failed && other) both++
  }
  if (both * n <= a * b || !coincides(n, a, b, both)) return 0n
  return ((both * n - a * b) * PPM) / sqrtUp(a * (n - a) * b * (n - b))
}

/** Whether `a` and `b` errors among `n` tasks meet at `both` or more tasks with a probability below the level: the hypergeometric tail. */
function coincides(n: bigint, a: bigint, b: bigint, both: bigint): boolean {
  let tail = 0n
  for (let k = both; k <= b; k++) tail += choose(a, k) * choose(n - a, b - k)
  return tail * PPM < COINCIDENCE_LEVEL_PPM * choose(n, b)
}

/** The number of ways to choose `k` of `n`: 0 where `k` is greater. */
function choose(n: bigint, k: bigint): bigint {
  let ways = 1n
  for (let i = 1n; i <= k; i++) ways = (ways * (n - k + i)) / i
  return ways
}
