import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class WorkerSlots extends Migration {
  name = 'WorkerSlots1700000000021'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "worker_node" ADD "slots" jsonb`)
  }
}
