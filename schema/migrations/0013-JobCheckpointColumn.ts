import type { QueryRunner } from 'typeorm'
import type { Migration } from './migration.ts'

export class JobCheckpointColumn implements Migration {
  name = 'JobCheckpointColumn1700000000013'
  compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "job_run" ADD "checkpoint" jsonb`)
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
