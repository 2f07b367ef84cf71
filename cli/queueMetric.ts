import { Gauge, type Registry } from 'prom-client'
import type { Queues } from '#schema/queue.ts'

/** Tells at each scrape whether the queue's backend answers this process. Jobs are not lost while it does not, but only sweeps start them. */
export function addQueueMetric(registry: Registry, queues: Pick<Queues, 'ping'>): void {
  new Gauge({
    name: 'modelcommons_queue_answers',
    help: '1 while the queue answers this process within a second, else 0.',
    registers: [registry],
    async collect() {
      this.set(
        await queues.ping().then(
          () => 1,
          () => 0,
        ),
      )
    },
  })
}
