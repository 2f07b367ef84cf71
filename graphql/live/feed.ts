import type { Database } from '#schema/database.ts'
import { listenNotices, type Notice } from '#schema/notices.ts'

/** The notices of the database, heard once for the whole API and told to every subscription. */
export interface Feed {
  /** Calls `hear` with every notice from now on; returns how to stop. */
  on(hear: (notice: Notice) => void): () => void
  stop(): Promise<void>
}

export async function openFeed(db: Database): Promise<Feed> {
  const hearers = new Set<(notice: Notice) => void>()
  const stop = await listenNotices(db, (notice) => {
    for (const hear of hearers) hear(notice)
  })
  return {
    on(hear) {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    stop,
  }
}
