import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class HoldVersion extends Migration {
  name = 'HoldVersion1700000000043'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "credit_hold" ADD "version_id" text`)
    await query.query(`CREATE INDEX "IDX_5eb991edcf4023ce75391641ec" ON "credit_hold" ("version_id")`)
  }
}
