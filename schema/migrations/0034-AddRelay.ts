import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddRelay extends Migration {
  name = 'AddRelay1700000000034'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "relayed_act" ("id" text NOT NULL, "account" text NOT NULL, "key_id" text, "max_gas" integer NOT NULL, "gas_used" integer, "transaction_hash" text, "created_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_2bcfcdbd83b16cbca51600da99e" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_842b450955c8dee5a9cb02fd70" ON "relayed_act" ("account")`)
    await query.query(`CREATE INDEX "relayed_act_recent" ON "relayed_act" (created_at)`)
  }
}
