import type { Database } from '#schema/database.ts'
import { listenNotifications, type Notification } from '#schema/notifications.ts'

/** The notices of the database, heard once for the whole API and told to every subscription. */
export interface NotificationFeed {
  /** Calls `hear` with every notice from now on; returns how to stop. */
  on(hear: (notice: Notification) => void): () => void
  stop(): Promise<void>
}

export async function openNotificationFeed(db: Database): Promise<NotificationFeed> {
  const hearers = new Set<(notice: Notification) => void>()
  const stop = await listenNotifications(db, (notice) => {
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
