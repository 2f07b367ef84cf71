/** Wraps `run` so that its calls run one after the other: a database connection executes one statement at a time. */
export function sequential<Given extends unknown[], Result>(
  run: (...given: Given) => Promise<Result>,
): (...given: Given) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  return (...given) => {
    const result = last.then(() => run(...given))
    last = result.catch(() => {})
    return result
  }
}
