import type { QueryRunner } from 'typeorm'
import type { Migration } from './migration.ts'

export class OperatorView implements Migration {
  name = 'OperatorView1700000000015'
  compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "worker_node" ADD "stopped_at" TIMESTAMP WITH TIME ZONE`)
    await query.query(`CREATE INDEX "receipt_unsettled" ON "receipt" (answered_at) WHERE epoch is null`)
    await query.query(`CREATE INDEX "chain_transaction_sent" ON "chain_transaction" (created_at) WHERE status = 'Sent'`)
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
