import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class NextJobs extends Migration {
  name = 'NextJobs1700000000016'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`CREATE INDEX "job_run_next" ON "job_run" (queue, priority, created_at) WHERE status = 'Queued'`)
  }
}
