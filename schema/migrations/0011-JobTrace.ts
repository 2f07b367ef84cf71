import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class JobTrace extends Migration {
  name = 'JobTrace1700000000011'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "job_run" ADD "traceparent" text`)
  }
}
