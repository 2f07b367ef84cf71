import type { MigrationInterface, QueryRunner } from 'typeorm'

export class JobTrace implements MigrationInterface {
  name = 'JobTrace1700000000011'

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "job_run" ADD "traceparent" text`)
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
