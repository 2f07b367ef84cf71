import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class ReceiptAndHold extends Migration {
  name = 'ReceiptAndHold1700000000002'

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "credit_hold" ADD "price_in" numeric(78,0) NOT NULL`)
    await query.query(`ALTER TABLE "credit_hold" ADD "price_out" numeric(78,0) NOT NULL`)
    await query.query(`ALTER TABLE "receipt" ALTER COLUMN "epoch" DROP NOT NULL`)
  }
}
