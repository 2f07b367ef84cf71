import type { Database } from '#schema/database.ts'
import { listenNotifications, type Notification } from '#schema/notifications.ts'

/** The notifications of the database: one listener for the whole API passes them to every subscription. */
export interface NotificationFeed {
  /** Calls `listener` with every notification from now on; returns a function that unsubscribes. */
  on(listener: (notification: Notification) => void): () => void
  stop(): Promise<void>
}

export async function openNotificationFeed(db: Database): Promise<NotificationFeed> {
  const listeners = new Set<(notification: Notification) => void>()
  const stop = await listenNotifications(db, (notification) => {
    for (const listener of listeners) listener(notification)
  })
  return {
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop,
  }
}
