import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class ReplacedTransactions extends Migration {
  name = 'ReplacedTransactions1700000000017'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "chain_transaction" ADD "replaced" text array`)
  }
}
