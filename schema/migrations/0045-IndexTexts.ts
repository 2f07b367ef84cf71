import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** Indexes of large tables, which are read and written meanwhile. One that a build which failed has left invalid is built anew. */
export class IndexTexts extends Migration {
  name = 'IndexTexts1700000000045'
  override compatible = true
  transaction = false

  async up(query: QueryRunner) {
    await query.query('SET lock_timeout = 0') // it waits for transactions, and nobody waits for it
    const create = async (name: string, on: string) => {
      await query.query(`DROP INDEX CONCURRENTLY IF EXISTS "${name}"`)
      await query.query(`CREATE INDEX CONCURRENTLY "${name}" ON ${on}`)
    }
    await create('key_call_recent', '"key_call" (key_id, started_at)')
    await create(
      'job_run_texts',
      `"job_run" (finished_at) WHERE kind = 'infer' and texts_removed_at is null and finished_at is not null`,
    )
    await create('receipt_texts', '"receipt" (answered_at) WHERE texts_removed_at is null')
    await create('receipt_answered', '"receipt" (answered_at)')
    await create('receipt_of_consumer', '"receipt" (consumer, answered_at)')
    await query.query(`DROP INDEX CONCURRENTLY IF EXISTS "IDX_03db0e861d94a04ee779d91b8c"`)
    await query.query(`DROP INDEX CONCURRENTLY IF EXISTS "IDX_77c28141c47b4c5a33e530eded"`)
    await query.query('RESET lock_timeout')
  }
}
