import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddStateRoot extends Migration {
  name = 'StateRoot1700000000007'

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "state_root" ("id" text NOT NULL, "root" text NOT NULL, "digest" text NOT NULL, "block_hash" text NOT NULL, "changes" integer NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_dfc93b29ff744d20ebb04f99688" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "state_root_to" ON "state_root" ("to_block")`)
    await query.query(`CREATE INDEX "state_root_from" ON "state_root" ("from_block")`)
    await query.query(`CREATE UNIQUE INDEX "state_root_present" ON "state_root" ("id") WHERE to_block IS NULL`)
  }
}
