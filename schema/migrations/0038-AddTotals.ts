import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** What accounts have earned follows from the lines that are stored. All other totals are counted by the indexer at its next start; one of the release before
 *  would not keep them. */
export class AddTotals extends Migration {
  name = 'AddTotals1700000000038'

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "earning" ("id" text NOT NULL, "account" text NOT NULL, "earned" numeric(78,0) NOT NULL, "from_epoch" integer NOT NULL, "to_epoch" integer, CONSTRAINT "PK_f9c4d04c93fdab9eece8389a94e" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_02dc14126d079a276ba38ba615" ON "earning" ("account")`)
    await query.query(`CREATE INDEX "earning_standing" ON "earning" (to_epoch, from_epoch, account, earned)`)
    await query.query(
      `insert into "earning" ("id", "account", "earned", "from_epoch", "to_epoch")
       select account || '-' || epoch, account, sum(amount) over epochs, epoch, lead(epoch) over epochs
       from (select account, map_id::integer as epoch, sum(amount) as amount from "reward_line" group by 1, 2) lines
       window epochs as (partition by account order by epoch)`,
    )
    await query.query(
      `CREATE TABLE "total" ("id" text NOT NULL, "value" numeric(78,0) NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_fbdcbfd93890c95182fa5e03abd" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "total_to" ON "total" ("to_block") WHERE to_block IS NOT NULL`)
    await query.query(`CREATE INDEX "total_from" ON "total" ("from_block")`)
    await query.query(`CREATE UNIQUE INDEX "total_present" ON "total" ("id") WHERE to_block IS NULL`)
    await query.query(
      `CREATE TABLE "contributor_total" ("id" text NOT NULL, "contributions" integer NOT NULL, "accepted" integer NOT NULL, "rejected" integer NOT NULL, "excluded" integer NOT NULL, "scored" integer NOT NULL, "quality" numeric(78,0) NOT NULL, "uniqueness" numeric(78,0) NOT NULL, "staked" numeric(78,0) NOT NULL, "slashed" numeric(78,0) NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_8b7315340ce534ee5b2158fefa6" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(
      `CREATE INDEX "contributor_total_to" ON "contributor_total" ("to_block") WHERE to_block IS NOT NULL`,
    )
    await query.query(`CREATE INDEX "contributor_total_from" ON "contributor_total" ("from_block")`)
    await query.query(
      `CREATE UNIQUE INDEX "contributor_total_present" ON "contributor_total" ("id") WHERE to_block IS NULL`,
    )
    await query.query(
      `CREATE INDEX "contributor_total_standing" ON "contributor_total" (to_block, from_block, id, accepted, contributions)`,
    )
    await query.query(
      `CREATE TABLE "validator_total" ("id" text NOT NULL, "judgements" integer NOT NULL, "revealed" integer NOT NULL, "settled" integer NOT NULL, "reward" numeric(78,0) NOT NULL, "penalty" numeric(78,0) NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_3916d1a14417034e19b8947a77e" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "validator_total_to" ON "validator_total" ("to_block") WHERE to_block IS NOT NULL`)
    await query.query(`CREATE INDEX "validator_total_from" ON "validator_total" ("from_block")`)
    await query.query(
      `CREATE UNIQUE INDEX "validator_total_present" ON "validator_total" ("id") WHERE to_block IS NULL`,
    )
  }
}
