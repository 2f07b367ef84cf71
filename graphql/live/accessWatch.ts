import type { Database } from '#schema/database.ts'
import type { Caller } from '../access.ts'
import { ApiError } from '../errors.ts'
import type { NotificationFeed } from './feed.ts'

/** A key that ends without a notification, because it expires or because a notification is lost, is found within this time. */
const CHECK_MS = 2_000

const VALID = `select id from api_key where id = any($1) and revoked_at is null and (expires_at is null or expires_at > now())
  union all select id from sign_in_session where id = any($1) and expires_at > now()`

/** Ends what a key or a session has opened, such as a socket or a stream, when that key or session ends itself. One query asks for all of them. */
export class AccessWatch {
  private readonly watched = new Map<string, Set<AbortController>>()
  private timer: NodeJS.Timeout | undefined
  private readonly off: () => void

  constructor(
    private readonly db: Pick<Database, 'query'>,
    feed: Pick<NotificationFeed, 'on'>,
  ) {
    this.off = feed.on(({ type, ...rest }) => {
      if (type === 'access' && 'id' in rest && this.watched.has(rest.id)) void this.check()
    })
  }

  /** @returns a signal that aborts with an ApiError when the caller's key or session has ended, and what ends the watch. */
  watch(caller: Caller): { ended: AbortSignal; stop(): void } {
    const controller = new AbortController()
    if (!('id' in caller)) return { ended: controller.signal, stop() {} }
    const { id } = caller
    const ofCaller = this.watched.get(id) ?? new Set()
    this.watched.set(id, ofCaller.add(controller))
    this.timer ??= setInterval(() => void this.check(), CHECK_MS).unref()
    return {
      ended: controller.signal,
      stop: () => {
        ofCaller.delete(controller)
        if (ofCaller.size === 0 && this.watched.get(id) === ofCaller) this.watched.delete(id)
        if (this.watched.size === 0) this.pause()
      },
    }
  }

  /** Without the database nothing is known: what is open stays open until it answers. */
  private async check(): Promise<void> {
    const ids = [...this.watched.keys()]
    const found = await this.db.query<{ id: string }>(VALID, [ids]).catch(() => undefined)
    if (!found) return
    const valid = new Set(found.rows.map(({ id }) => id))
    for (const id of ids) {
      if (valid.has(id)) continue
      for (const controller of this.watched.get(id) ?? [])
        controller.abort(
          new ApiError('UNAUTHENTICATED', 'The key or session has ended: it was revoked, or has expired.'),
        )
    }
  }

  private pause(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  stop(): void {
    this.pause()
    this.off()
  }
}
