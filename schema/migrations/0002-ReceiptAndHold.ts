import type { MigrationInterface, QueryRunner } from 'typeorm'

export class ReceiptAndHold implements MigrationInterface {
  name = 'ReceiptAndHold1700000000002'

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "credit_hold" ADD "price_in" numeric(78,0) NOT NULL`)
    await query.query(`ALTER TABLE "credit_hold" ADD "price_out" numeric(78,0) NOT NULL`)
    await query.query(`ALTER TABLE "receipt" ALTER COLUMN "epoch" DROP NOT NULL`)
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
