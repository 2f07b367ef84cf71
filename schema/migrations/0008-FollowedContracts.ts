import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class FollowedContracts extends Migration {
  name = 'FollowedContracts1700000000008'

  async up(query: QueryRunner) {
    // present versions, which are most of a batch, no longer cost these indexes anything
    const { records: ends } = await query.query(
      `SELECT tablename AS "table" FROM pg_indexes WHERE schemaname = 'public' AND indexname = tablename || '_to'`,
      undefined,
      true,
    )
    for (const { table } of ends) {
      await query.query(`DROP INDEX "${table}_to"`)
      await query.query(`CREATE INDEX "${table}_to" ON "${table}" ("to_block") WHERE to_block IS NOT NULL`)
    }
    await query.query(
      `CREATE TABLE "followed_contract" ("id" text NOT NULL, "contract" text NOT NULL, "factory" text NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_8993b491c99b4f0b4941e9c204d" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_14f5786b0eaf8c90244130a958" ON "followed_contract" ("factory")`)
    await query.query(
      `CREATE INDEX "followed_contract_to" ON "followed_contract" ("to_block") WHERE to_block IS NOT NULL`,
    )
    await query.query(`CREATE INDEX "followed_contract_from" ON "followed_contract" ("from_block")`)
    await query.query(
      `CREATE UNIQUE INDEX "followed_contract_present" ON "followed_contract" ("id") WHERE to_block IS NULL`,
    )
  }
}
