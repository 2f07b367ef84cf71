import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class JobCheckpointColumn extends Migration {
  name = 'JobCheckpointColumn1700000000013'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "job_run" ADD "checkpoint" jsonb`)
  }
}
