import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class VersionRatchet extends Migration {
  name = 'VersionRatchet1700000000025'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "target" ADD "may_fall" boolean`)
  }
}
