/** Gathers calls that arrive while an earlier batch runs into one. A call that arrives alone runs at once, so that nothing waits for a batch to
 *  fill. `work` gets the items in order and returns a result for each. */
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
  const run = async () => {
    running = true
    while (calls.length > 0) {
      const batch = calls.splice(0, maxSize)
      try {
        const results = await work(batch.map(({ item }) => item))
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    running = false
  }
  return (item) =>
    new Promise((resolve, reject) => {
      calls.push({ item, resolve, reject })
      if (!running) void run()
    })
}
