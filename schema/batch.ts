import { isRetriable } from './errors.ts'

/** Gathers calls that arrive while an earlier batch runs into one. A call that arrives alone runs at once, so that nothing waits for a batch to
 *  fill. `work` gets the items in order and returns a result for each; it has an effect for all of them, or throws and has none. After an error
 *  that is not retriable each item is tried alone, so that a wrong one does not fail the others. */
export function batched<Item, Result>(
  work: (items: readonly Item[]) => Promise<Result[]>,
  maxSize = 100,
): (item: Item) => Promise<Result> {
  interface Call {
    item: Item
    resolve(result: Result): void
    reject(error: unknown): void
  }
  const calls: Call[] = []
  let running = false
  const settle = async (batch: readonly Call[]): Promise<void> => {
    try {
      const results = await work(batch.map(({ item }) => item))
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result)
    } catch (error) {
      if (batch.length > 1 && !isRetriable(error)) await Promise.all(batch.map((call) => settle([call])))
      else for (const { reject } of batch) reject(error)
    }
  }
  const run = async () => {
    running = true
    while (calls.length > 0) await settle(calls.splice(0, maxSize))
    running = false
  }
  return (item) =>
    new Promise((resolve, reject) => {
      calls.push({ item, resolve, reject })
      if (!running) void run()
    })
}
