import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class ScoringFees extends Migration {
  name = 'ScoringFees1700000000022'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "datanet" ADD "comparison" text`)
    await query.query(`ALTER TABLE "contribution" ADD "forfeited" numeric(78,0)`)
  }
}
