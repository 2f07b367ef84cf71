/** Shared by all rules: a long computation in steps, between which whoever runs it may do other things, such as to tell that it is still alive. */

export type Steps<Result> = Generator<undefined, Result, undefined>

/**
 * All steps, one after the other.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { atOnce, type Steps } from '#rules/steps.ts'
 *
 * function* sum(lists: number[][]): Steps<number> {
 *   let total = 0
 *   for (const list of lists) {
 *     for (const one of list) total += one
 *     yield
 *   }
 *   return total
 * }
 * assert.equal(atOnce(sum([[1, 2], [3]])), 6)
 * ```
 */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
