import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class FollowAnyGovernor extends Migration {
  name = 'FollowAnyGovernor1700000000037'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "set_aside_contract" ("id" text NOT NULL, "contract" text NOT NULL, "log_index" integer NOT NULL, "reason" text NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_361fbde54255b4b1dc9d147eca4" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(
      `CREATE INDEX "set_aside_contract_to" ON "set_aside_contract" ("to_block") WHERE to_block IS NOT NULL`,
    )
    await query.query(`CREATE INDEX "set_aside_contract_from" ON "set_aside_contract" ("from_block")`)
    await query.query(
      `CREATE UNIQUE INDEX "set_aside_contract_present" ON "set_aside_contract" ("id") WHERE to_block IS NULL`,
    )
    await query.query(`ALTER TABLE "governor" ADD "has_super_quorum" boolean NOT NULL DEFAULT false`)
    await query.query(`ALTER TABLE "governor" ADD "fractional" boolean NOT NULL DEFAULT false`)
    await query.query(`ALTER TABLE "governor" ADD "asked_at" bigint`)
    await query.query(`ALTER TABLE "governor" ADD "quorum_unknown" text`)
    await query.query(`ALTER TABLE "governor" ADD "unfollowed" text`)
    await query.query(`ALTER TABLE "proposal" ADD "description_hash" text`)
    await query.query(`ALTER TABLE "proposal" ADD "super_quorum" numeric(78,0)`)
    await query.query(`ALTER TABLE "reconciliation" ADD "not_compared" integer NOT NULL DEFAULT '0'`)
    await query.query(`ALTER TABLE "cursor" ADD "facts" jsonb`)
  }
}
