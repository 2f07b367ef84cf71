import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class ReceiptSalt extends Migration {
  name = 'ReceiptSalt1700000000026'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "receipt" ADD "salt" text`)
  }
}
