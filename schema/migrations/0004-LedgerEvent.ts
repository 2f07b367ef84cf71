import type { MigrationInterface, QueryRunner } from 'typeorm'

export class LedgerEvent implements MigrationInterface {
  name = 'LedgerEvent1700000000004'

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "ledger_transfer" ADD "event" text NOT NULL`)
    await query.query(`CREATE INDEX "IDX_95d382431e066b32cdab891ac8" ON "ledger_transfer" ("event")`)
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
