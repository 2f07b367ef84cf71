import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class LockedVotes extends Migration {
  name = 'LockedVotes1700000000019'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "holder" ADD "locked" numeric(78,0)`)
  }
}
