import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddRemovals extends Migration {
  name = 'AddRemovals1700000000032'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "takedown" ("id" text NOT NULL, "actor" text NOT NULL, "reason" text NOT NULL, "at" TIMESTAMP WITH TIME ZONE NOT NULL, "lifted_by" text, "lift_reason" text, "lifted_at" TIMESTAMP WITH TIME ZONE, CONSTRAINT "PK_1e4399678d2e67c2b38586f35fd" PRIMARY KEY ("id"))`,
    )
    await query.query(
      `CREATE TABLE "data_withdrawal" ("id" text NOT NULL, "contribution_id" text NOT NULL, "contributor" text NOT NULL, "content_hash" text NOT NULL, "reason" text NOT NULL, "signature" text, "at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_81e11f8f4c5d14504297fc61c17" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_3a81cc4540e181e3dd082a6803" ON "data_withdrawal" ("contributor")`)
    await query.query(`CREATE INDEX "IDX_5ac1fd7b0e974b2639b3a79ba4" ON "data_withdrawal" ("content_hash")`)
    await query.query(`CREATE INDEX "data_withdrawal_order" ON "data_withdrawal" (length(id), id)`)
    await query.query(
      `CREATE INDEX "data_withdrawal_contribution_id_list" ON "data_withdrawal" ("contribution_id", length(id), id)`,
    )
  }
}
