import { type Config, ConfigError } from '#config'
import { LANES, type Lane } from '#schema/jobs.ts'

/** How many jobs of each lane a worker runs at a time. */
export type LaneSlots = Record<Lane, number>

/** What the account of OPERATOR_KEY may do on chain. */
export interface SignerRoles {
  /** It has the workers' roles. */
  operates: boolean
  /** It resolves disputes. */
  resolves: boolean
}

const MAX_SLOTS = 256
/** Answers share a batch: one device generates several at little more than the cost of one. */
const ANSWERS_PER_DEVICE = 4

/** Each waits for its transaction most of the time. */
const RELAYS = 4

type SlotSettings = Pick<Config, 'workerKinds' | 'gpuConcurrency' | 'cpuConcurrency'> &
  Partial<Pick<Config, 'relayerKey'>>

/** The slots that `WORKER_KINDS` names, such as `infer:4,attribute:1,training:0`; a lane that it does not name has none. Without it, every lane
 *  has slots: for each GPU job four answers, one attribution and one training, and CPU_CONCURRENCY chain writes. Only a worker with RELAYER_KEY relays.
 *  @throws ConfigError that says which part cannot be read. */
export function workerSlots({ workerKinds, gpuConcurrency, cpuConcurrency, relayerKey }: SlotSettings): LaneSlots {
  if (workerKinds === undefined)
    return {
      infer: ANSWERS_PER_DEVICE * gpuConcurrency,
      attribute: gpuConcurrency,
      training: gpuConcurrency,
      chain: cpuConcurrency,
      recourse: 2,
      relay: relayerKey ? RELAYS : 0,
    }
  const slots = { ...NO_SLOTS }
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
  if (slots.relay > 0 && !relayerKey) throw refused('relay needs RELAYER_KEY, whose account pays for what is relayed')
  if (LANES.every((lane) => slots[lane] === 0))
    throw refused('no lane has a slot, so that this worker would do nothing')
  return slots
}

/** The slots of a worker whose key has these roles: the resolver's key runs only the lane `recourse`, and no other key runs it. An account
 *  without any role keeps the operator's lanes: its vote may still be running.
 *  @throws ConfigError when `WORKER_KINDS` names a lane that the key may not run. */
export function slotsOfSigner(settings: SlotSettings, { operates, resolves }: SignerRoles): LaneSlots {
  const slots = workerSlots(settings)
  if (settings.workerKinds !== undefined) {
    if (slots.recourse > 0 && !resolves)
      throw refused('recourse needs the key of the resolver, and the account of OPERATOR_KEY is not one')
    return slots
  }
  if (resolves && !operates) return { ...NO_SLOTS, recourse: slots.recourse, relay: slots.relay }
  return resolves ? slots : { ...slots, recourse: 0 }
}

const NO_SLOTS: LaneSlots = { infer: 0, attribute: 0, training: 0, chain: 0, recourse: 0, relay: 0 }

const isLane = (name: string): name is Lane => (LANES as readonly string[]).includes(name)

const refused = (what: string) =>
  new ConfigError(`WORKER_KINDS: ${what}. For example: WORKER_KINDS=infer:4,attribute:1,training:0,chain:4`)
