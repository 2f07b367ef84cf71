import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class SignedReceipts extends Migration {
  name = 'SignedReceipts1700000000046'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "receipt" ADD "request_hash" text`)
    await query.query(`ALTER TABLE "receipt" ADD "response_hash" text`)
    await query.query(`ALTER TABLE "receipt" ADD "total_hash" text`)
    await query.query(`ALTER TABLE "receipt" ADD "attribution_digest" text`)
    await query.query(`ALTER TABLE "receipt" ADD "attribution_signature" text`)
    await query.query(`ALTER TABLE "receipt" ADD "countersignature" text`)
    await query.query(`ALTER TABLE "receipt" ADD "x402_receipt" jsonb`)
    await query.query(`ALTER TABLE "credit_hold" ADD "resource_url" text`)
  }
}
