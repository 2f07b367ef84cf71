import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '#schema/database.ts'

/** Steps that become due with the fact that makes them possible: nothing tells them before. */
const SUDDEN = ['evaluate', 'promote', 'follow']

const POLL_MS = 20

interface Watch {
  /** Stops watching. @returns what was asked for without having been told before. */
  stop(): Promise<string[]>
}

/** Watches what the stewards say comes next, as `modelcommons steward --explain` prints it, and what they then ask for. */
export function watchForetold(db: Database): Watch {
  const told = new Set<string>()
  const asked = new Set<string>()
  const surprises: string[] = []
  let over = false
  const look = async () => {
    const { rows } = await db.query<{ model_id: string; name: string; job_id: string | null; id: string }>(
      'select id, model_id, name, job_id from steward_step where model_id is not null order by decided_at',
    )
    for (const { id, model_id, name, job_id } of rows) {
      if (job_id === null || asked.has(id)) continue
      asked.add(id)
      if (!SUDDEN.includes(name) && !told.has(`${model_id} ${name}`)) surprises.push(id)
    }
    told.clear()
    for (const { model_id, name, job_id } of rows) if (job_id === null) told.add(`${model_id} ${name}`)
  }
  const watching = (async () => {
    while (!over) {
      await look()
      await sleep(POLL_MS)
    }
  })()
  return {
    async stop() {
      over = true
      await watching
      return surprises
    },
  }
}
