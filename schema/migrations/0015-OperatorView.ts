import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class OperatorView extends Migration {
  name = 'OperatorView1700000000015'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "worker_node" ADD "stopped_at" TIMESTAMP WITH TIME ZONE`)
    await query.query(`CREATE INDEX "receipt_unsettled" ON "receipt" (answered_at) WHERE epoch is null`)
    await query.query(`CREATE INDEX "chain_transaction_sent" ON "chain_transaction" (created_at) WHERE status = 'Sent'`)
  }
}
