import { ago } from '#client/ago.ts'
import { readConfig } from '#config'
import { pauseSteward, resumeSteward } from '#graphql/commands/stewardControl.ts'
import type { Database } from '#schema/database.ts'
import { StewardStep, Stewardship } from '#schema/offchain/steward.ts'
import { rowsOf } from '#schema/rows.ts'
import { indexedTime } from '#workers/steward/readFacts.ts'
import type { JsonOption } from './acts/tell.ts'
import { withDatabase } from './withDatabase.ts'

/** `modelcommons steward`: what the steward does for each model, what comes next, and why. */

const onDatabase = <T>(work: (db: Database) => Promise<T>) =>
  withDatabase(readConfig(process.env, { requireDeployment: false }), work)

/** Prints the state of each model; with `explain` also the next steps, and what each waits for. */
export async function showSteward({ explain = false, json = false }: { explain?: boolean; json?: boolean }) {
  const { models, steps, now } = await onDatabase(async (db) => ({
    models: await rowsOf(db, Stewardship, 'true', [], { orderBy: 'id::numeric' }),
    steps: explain ? await rowsOf(db, StewardStep, 'job_id is null', [], { orderBy: 'place, id' }) : [],
    now: explain ? (await indexedTime(db))?.now : undefined,
  }))
  const nextOf = (modelId: string | null) => steps.filter((step) => step.modelId === modelId)
  if (json) {
    const shown = models.map((model) => ({ ...model, ...(explain && { next: nextOf(model.id) }) }))
    console.log(JSON.stringify({ models: shown, ...(explain && { settlements: nextOf(null), now }) }, replacer))
    return
  }
  for (const { id, state, explanation, block } of models) {
    console.log(`model ${id}  ${state}  ${explanation}${block === null ? '' : `  (block ${block})`}`)
    for (const step of nextOf(id)) console.log(`  ${lineOf(step, now)}`)
  }
  if (models.length === 0)
    console.log('No model with a mandate was looked at. Is a worker running, and not with STEWARD=off?')
  const settlements = nextOf(null)
  if (settlements.length > 0) console.log('settlements')
  for (const step of settlements) console.log(`  ${lineOf(step, now)}`)
}

const replacer = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

/** `now` is the chain's, by which the steward waits. */
const lineOf = ({ name, waitsFor, dueAt, cost, reason }: StewardStep, now?: Date) =>
  [
    name.padEnd(8),
    `waits for ${waitsFor}`,
    ...(dueAt ? [`due ${dueAt.toISOString()}${now ? `, ${ago(dueAt.toISOString(), now.getTime())}` : ''}`] : []),
    ...(cost > 0n ? [`costs ${cost} wei`] : []),
    reason,
  ].join('  ')

export async function pauseModel(modelId: string, { reason, json }: { reason: string } & JsonOption): Promise<void> {
  await onDatabase((db) => pauseSteward(db, modelId, reason))
  console.log(
    json
      ? JSON.stringify({ model: modelId, state: 'Paused', reason })
      : `model ${modelId}  Paused: jobs that run go on, and no other begins.`,
  )
}

export async function resumeModel(modelId: string, { json }: JsonOption = {}): Promise<void> {
  await onDatabase((db) => resumeSteward(db, modelId))
  console.log(json ? JSON.stringify({ model: modelId, state: 'Waiting' }) : `model ${modelId}  resumed`)
}
