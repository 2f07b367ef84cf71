import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class WaitsByReason extends Migration {
  name = 'WaitsByReason1700000000018'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "job_run" ADD "waits_by_reason" jsonb`)
  }
}
