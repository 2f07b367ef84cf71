import pLimit from 'p-limit'
import { SharedRead } from '../query/sharedRead.ts'

/** Reads of streams at the same time: the other connections of the pool are for requests, however many streams a block wakes. */
const MAX_CONCURRENT_READS = 3

/** What streams read of the database. Those that want the same at the same time, such as all that wait for the next block, share one read. */
export class LiveReads {
  private readonly inTurn = pLimit(MAX_CONCURRENT_READS)
  private readonly shared = new Map<string, { reads: SharedRead<unknown>; waiting: number }>()

  /** What `read` gives, which begins after this call. `key` names what is read: of several calls with one key, one is made. */
  async read<T>(key: string, read: () => Promise<T>): Promise<T> {
    const entry = this.shared.get(key) ?? { reads: new SharedRead<unknown>(() => this.inTurn(read)), waiting: 0 }
    this.shared.set(key, entry)
    entry.waiting++
    try {
      return (await entry.reads.read()) as T
    } finally {
      if (--entry.waiting === 0) this.shared.delete(key)
    }
  }
}
