import type { Logger } from 'pino'
import { EngineError } from '#engine/process/index.ts'
import type { Sql } from '#schema/database.ts'
import type { LaneEngines } from './enginePool.ts'
import { JobError } from './job.ts'
import { fetchAdapter, fetchBaseModel, loadVersion, type Sources } from './modelLookup.ts'

/** What became of the model of an endpoint: it is in memory, there is no room for it beside others, or it cannot be loaded. */
export type WarmUpOutcome = 'loaded' | 'no_room' | 'failed'

export interface WarmUpOptions extends Sources {
  /** In lower case: the models of their endpoints are loaded. */
  hosts: readonly string[]
  engines: Pick<LaneEngines, 'warmUp'>
  log: Logger
  onOutcome?(outcome: WarmUpOutcome): void
}

/**
 * Returns the work that loads the models of endpoints before they are called, while no call is answered. Each endpoint's version is loaded once: when this worker
 * starts, when the endpoint opens, and when it is pointed at another version. A model that leaves the memory afterwards, because nobody called it, is loaded
 * by the next call.
 */
export function createWarmUp(options: WarmUpOptions): () => Promise<void> {
  /** Endpoints with the version that was tried. */
  const tried = new Map<string, string>()
  return async () => {
    const served = await servedVersions(options.db, options.hosts)
    for (const endpoint of tried.keys())
      if (!served.some(({ endpoints }) => endpoints.includes(endpoint))) tried.delete(endpoint)
    const failures: unknown[] = []
    for (const { versionId, endpoints } of served) {
      if (endpoints.every((endpoint) => tried.get(endpoint) === versionId)) continue
      try {
        const outcome = await warmUp(options, versionId)
        if (outcome === 'busy') break
        for (const endpoint of endpoints) tried.set(endpoint, versionId)
        options.onOutcome?.(outcome)
      } catch (error) {
        failures.push(error) // of a service: the next round tries again
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

async function warmUp(options: WarmUpOptions, versionId: string): Promise<WarmUpOutcome | 'busy'> {
  const { engines, log } = options
  try {
    const facts = await loadVersion(options, versionId)
    const began = performance.now()
    const outcome = await engines.warmUp({
      baseFolder: await fetchBaseModel(options, facts),
      adapterFolder: await fetchAdapter(options, facts),
    })
    if (outcome === 'loaded')
      log.info(
        { version: versionId, ms: Math.round(performance.now() - began) },
        'a model is loaded before it is called',
      )
    if (outcome === 'no_room')
      log.info({ version: versionId }, 'no room for a model beside those in memory: its first call loads it')
    return outcome
  } catch (err) {
    if (err instanceof EngineError && err.fault === 'closed') return 'busy' // this worker stops
    if (!(err instanceof EngineError || err instanceof JobError)) throw err
    log.warn({ err, version: versionId }, 'a model could not be loaded before it is called')
    return 'failed'
  }
}

/** The versions that endpoints of these hosts serve, each with its endpoints. */
async function servedVersions(sql: Sql, hosts: readonly string[]) {
  const { rows } = await sql.query<{ versionId: string; endpoints: string[] }>(
    `select e.version_id as "versionId", array_agg(e.id) as endpoints
     from endpoint e join model_version v on v.id = e.version_id and v.to_block is null and v.status = 'Promoted'
     where e.to_block is null and lower(e.host) = any($1)
     group by e.version_id order by min(e.registered_at), e.version_id`,
    [hosts],
  )
  return rows
}
