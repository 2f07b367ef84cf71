import { setTimeout as sleep } from 'node:timers/promises'
import { listenNotifications } from '#schema/notifications.ts'
import { periodically } from '../periodically.ts'
import { createTurn, type StewardContext } from './turn.ts'

/** Waits of the policy end by the clock; everything else is noticed at once. */
const CLOCK_MS = 5_000
/** Blocks and ends of jobs that come together are looked at together. */
const GATHER_MS = 250

export interface Steward {
  stop(): Promise<void>
}

/** Keeps the models that have a policy: acts when the index or a job changes something, and by the clock. Any number of stewards may share a database. */
export async function startSteward(context: StewardContext, clockMs = CLOCK_MS): Promise<Steward> {
  const turn = createTurn(context)
  let waiting = true
  let running: Promise<void> | undefined
  let stopped = false
  const run = async () => {
    while (waiting && !stopped) {
      waiting = false
      await sleep(GATHER_MS)
      if (!stopped) await turn()
    }
  }
  const wake = async () => {
    waiting = true
    running ??= run().finally(() => {
      running = undefined
    })
    await running
  }
  const cancelClock = periodically('steward', clockMs, wake, context.log)
  const stopListening = await listenNotifications(context.db, (notification) => {
    if (['blocks', 'retracted', 'steward'].includes(notification.type) || hasEnded(notification)) wake().catch(() => {}) // the clock tries again, and logs what fails
  })
  return {
    async stop() {
      stopped = true
      cancelClock()
      await stopListening()
      await running?.catch(() => {})
    },
  }
}

const hasEnded = (notification: { type: string; status?: string }) =>
  notification.type === 'job' && ['Succeeded', 'Failed', 'Cancelled'].includes(notification.status ?? '')
