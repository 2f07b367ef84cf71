import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class LedgerEvent extends Migration {
  name = 'LedgerEvent1700000000004'

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "ledger_transfer" ADD "event" text NOT NULL`)
    await query.query(`CREATE INDEX "IDX_95d382431e066b32cdab891ac8" ON "ledger_transfer" ("event")`)
  }
}
