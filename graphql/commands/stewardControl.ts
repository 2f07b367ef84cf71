import type { Database } from '#schema/database.ts'
import { notify } from '#schema/notifications.ts'
import { Mandate } from '#schema/onchain/models.ts'
import { rowOf } from '#schema/rows.ts'
import { ApiError } from '../errors.ts'

/** The steward asks for nothing more for this model, until it is resumed. Jobs that run go on. @throws ApiError when the model has no mandate. */
export const pauseSteward = (db: Database, modelId: string, reason: string): Promise<void> =>
  control(
    db,
    modelId,
    `insert into stewardship (id, model_id, state, explanation, decided_at, paused, paused_reason)
     values ($1, $1, 'Paused', $2, clock_timestamp(), true, $2)
     on conflict (id) do update set state = 'Paused', explanation = excluded.explanation, paused = true, paused_reason = excluded.paused_reason`,
    [reason],
  )

/** Ends a pause, and lets the steward ask again for what has failed until now. @throws ApiError when the model has no mandate. */
export const resumeSteward = (db: Database, modelId: string): Promise<void> =>
  control(
    db,
    modelId,
    `insert into stewardship (id, model_id, state, explanation, decided_at, resumed_at)
     values ($1, $1, 'Waiting', $2, clock_timestamp(), clock_timestamp())
     on conflict (id) do update set state = 'Waiting', explanation = excluded.explanation, paused = false, paused_reason = null,
       resumed_at = excluded.resumed_at`,
    ['It was resumed: the steward looks at it next.'],
  )

const control = (db: Database, modelId: string, statement: string, values: string[]) =>
  db.transaction(async (sql) => {
    if (!(await rowOf(sql, Mandate, modelId)))
      throw new ApiError(
        'NO_MANDATE',
        `modelId: there is no model ${modelId} with a mandate. Query \`mandates\` for the models that have one.`,
      )
    await sql.query(statement, [modelId, ...values])
    await notify(sql, { type: 'steward', modelId })
  })
