import type { Response } from 'express'
import { writeSlowly } from '#schema/writeSlowly.ts'

/** Server-sent events (WHATWG HTML, 9.2). Data is JSON, in which line breaks are escaped: no text of a model can end an event. */

export interface SentEvent {
  event?: string
  data: object | '[DONE]'
}

/** A comment at this interval keeps proxies from closing a stream that waits. */
const PING_MS = 15_000
/** A client that takes nothing for this time is disconnected. */
const MAX_STALL_MS = 60_000

export class EventStream {
  private ping: NodeJS.Timeout | undefined

  constructor(private readonly response: Response) {}

  get isOpen(): boolean {
    return this.ping !== undefined
  }

  /** Sends the headers: from now on errors are events. */
  open(): void {
    if (this.isOpen || this.response.destroyed) return
    this.response.status(200).set({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    this.response.flushHeaders()
    this.ping = setInterval(() => {
      if (!this.response.writableNeedDrain) this.response.write(': waiting\n\n')
    }, PING_MS)
    this.response.once('close', () => clearInterval(this.ping))
  }

  /** At the speed of the client. @throws Error when it takes nothing for too long: it is disconnected. */
  async send(events: readonly SentEvent[]): Promise<void> {
    this.open()
    const text = events.map(({ event, data }) => {
      const name = event === undefined ? '' : `event: ${event}\n`
      return `${name}data: ${data === '[DONE]' ? data : JSON.stringify(data)}\n\n`
    })
    try {
      await writeSlowly(this.response, text.join(''), MAX_STALL_MS)
    } catch (error) {
      this.response.destroy()
      throw error
    }
  }

  end(): void {
    clearInterval(this.ping)
    this.response.end()
  }
}
