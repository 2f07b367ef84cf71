import type { QueryRunner } from 'typeorm'
import type { Migration } from './migration.ts'

export class JobTrace implements Migration {
  name = 'JobTrace1700000000011'
  compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "job_run" ADD "traceparent" text`)
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
