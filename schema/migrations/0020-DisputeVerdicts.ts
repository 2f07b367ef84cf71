import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class DisputeVerdicts extends Migration {
  name = 'DisputeVerdicts1700000000020'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "dispute" ADD "verdict" text`)
    await query.query(`ALTER TABLE "dispute" ADD "effective_at" TIMESTAMP WITH TIME ZONE`)
  }
}
