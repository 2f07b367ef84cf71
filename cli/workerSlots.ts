import { type Config, ConfigError } from '#config'
import { LANES, type Lane } from '#schema/jobs.ts'

/** How many jobs of each lane a worker runs at a time. */
export type LaneSlots = Record<Lane, number>

const MAX_SLOTS = 256
/** Answers share a batch: one device generates several at little more than the cost of one. */
const ANSWERS_PER_DEVICE = 4

/** The slots that `WORKER_KINDS` names, such as `infer:4,attribute:1,training:0`; a lane that it does not name has none. Without it, every lane
 *  has slots: for each GPU job four answers, one attribution and one training, and CPU_CONCURRENCY chain writes.
 *  @throws ConfigError that says which part cannot be read. */
export function workerSlots({
  workerKinds,
  gpuConcurrency,
  cpuConcurrency,
}: Pick<Config, 'workerKinds' | 'gpuConcurrency' | 'cpuConcurrency'>): LaneSlots {
  if (workerKinds === undefined)
    return {
      infer: ANSWERS_PER_DEVICE * gpuConcurrency,
      attribute: gpuConcurrency,
      training: gpuConcurrency,
      chain: cpuConcurrency,
    }
  const slots: LaneSlots = { infer: 0, attribute: 0, training: 0, chain: 0 }
  const named = new Set<string>()
  for (const part of workerKinds.split(',').map((one) => one.trim())) {
    const [, lane = '', count = ''] = /^([a-z]+)\s*:\s*(\d+)$/i.exec(part) ?? []
    if (!isLane(lane))
      throw refused(`${JSON.stringify(part)} is not of the form lane:slots with a lane of ${LANES.join(', ')}`)
    if (named.has(lane)) throw refused(`${lane} stands there twice`)
    if (Number(count) > MAX_SLOTS) throw refused(`${part}: a lane has at most ${MAX_SLOTS} slots`)
    named.add(lane)
    slots[lane] = Number(count)
  }
  if (LANES.every((lane) => slots[lane] === 0))
    throw refused('no lane has a slot, so that this worker would do nothing')
  return slots
}

const isLane = (name: string): name is Lane => (LANES as readonly string[]).includes(name)

const refused = (what: string) =>
  new ConfigError(`WORKER_KINDS: ${what}. For example: WORKER_KINDS=infer:4,attribute:1,training:0,chain:4`)
