import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** The market's contracts are new, and with them all rows of the tables that are dropped or emptied: the chain of the contracts before holds what was
 *  paid there. Receipts stay, as answers; no channel pays the old ones. */
export class Channels extends Migration {
  name = 'Channels1700000000023'

  async up(query: QueryRunner) {
    await query.query(`DROP TABLE "credit"`)
    await query.query(`DROP TABLE "voucher"`)
    await query.query(`DROP TABLE "usage_settlement"`)
    await query.query(
      `CREATE TABLE "payment_channel" ("id" text NOT NULL, "endpoint_id" text NOT NULL, "consumer" text NOT NULL, "key" text NOT NULL, "salt" text NOT NULL, "balance" numeric(78,0) NOT NULL, "deposited" numeric(78,0) NOT NULL, "redeemed" numeric(78,0) NOT NULL, "withdrawn" numeric(78,0) NOT NULL, "withdrawing" numeric(78,0) NOT NULL, "withdrawable_at" TIMESTAMP WITH TIME ZONE, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_cba4ee7d29cea914c3452e3077b" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_24b540e6200ee9a3b903fc5e3b" ON "payment_channel" ("consumer")`)
    await query.query(`CREATE INDEX "payment_channel_to" ON "payment_channel" ("to_block") WHERE to_block IS NOT NULL`)
    await query.query(`CREATE INDEX "payment_channel_from" ON "payment_channel" ("from_block")`)
    await query.query(
      `CREATE UNIQUE INDEX "payment_channel_present" ON "payment_channel" ("id") WHERE to_block IS NULL`,
    )
    await query.query(`CREATE INDEX "payment_channel_endpoint_id_list" ON "payment_channel" ("endpoint_id", "id")`)
    await query.query(
      `CREATE TABLE "redemption" ("id" text NOT NULL, "endpoint_id" text NOT NULL, "version_id" text NOT NULL, "channel_id" text NOT NULL, "consumer" text NOT NULL, "epoch" integer NOT NULL, "total" numeric(78,0) NOT NULL, "amount" numeric(78,0) NOT NULL, "redeemed_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_97a92a3dc967dad275f85b102b2" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_d397fa633e58b2d6e9f0add4bc" ON "redemption" ("consumer")`)
    await query.query(`CREATE INDEX "IDX_5ae7887353ce1f84e4ac00ccc2" ON "redemption" ("epoch")`)
    await query.query(`CREATE INDEX "redemption_to" ON "redemption" ("to_block") WHERE to_block IS NOT NULL`)
    await query.query(`CREATE INDEX "redemption_from" ON "redemption" ("from_block")`)
    await query.query(`CREATE UNIQUE INDEX "redemption_present" ON "redemption" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE INDEX "redemption_endpoint_id_list" ON "redemption" ("endpoint_id", "id")`)
    await query.query(`CREATE INDEX "redemption_version_id_list" ON "redemption" ("version_id", "id")`)
    await query.query(`CREATE INDEX "redemption_channel_id_list" ON "redemption" ("channel_id", "id")`)
    await query.query(
      `CREATE TABLE "failed_redemption" ("id" text NOT NULL, "endpoint_id" text NOT NULL, "channel_id" text NOT NULL, "consumer" text NOT NULL, "reason" text NOT NULL, "failed_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_d8a2fb949174852c6408bbab891" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_11a7023efa1056343d90c6b3bf" ON "failed_redemption" ("consumer")`)
    await query.query(
      `CREATE INDEX "failed_redemption_to" ON "failed_redemption" ("to_block") WHERE to_block IS NOT NULL`,
    )
    await query.query(`CREATE INDEX "failed_redemption_from" ON "failed_redemption" ("from_block")`)
    await query.query(
      `CREATE UNIQUE INDEX "failed_redemption_present" ON "failed_redemption" ("id") WHERE to_block IS NULL`,
    )
    await query.query(`CREATE INDEX "failed_redemption_endpoint_id_list" ON "failed_redemption" ("endpoint_id", "id")`)
    await query.query(`CREATE INDEX "failed_redemption_channel_id_list" ON "failed_redemption" ("channel_id", "id")`)
    await query.query(`DELETE FROM "signed_voucher"`)
    await query.query(`ALTER TABLE "signed_voucher" DROP COLUMN "cumulative"`)
    await query.query(`ALTER TABLE "signed_voucher" DROP COLUMN "deadline"`)
    await query.query(`ALTER TABLE "signed_voucher" ADD "ceiling" numeric(78,0) NOT NULL`)
    await query.query(`ALTER TABLE "receipt" ADD "channel_id" text`)
    await query.query(`ALTER TABLE "receipt" ADD "cumulative" numeric(78,0) NOT NULL DEFAULT 0`)
    await query.query(`ALTER TABLE "receipt" ALTER COLUMN "cumulative" DROP DEFAULT`)
    await query.query(`ALTER TABLE "receipt" ADD "is_open" boolean NOT NULL DEFAULT false`)
    await query.query(`ALTER TABLE "receipt" ALTER COLUMN "is_open" DROP DEFAULT`)
    await query.query(`CREATE INDEX "receipt_of_channel" ON "receipt" (channel_id, cumulative)`)
    await query.query(`ALTER TABLE "credit_hold" ADD "channel_id" text`)
    await query.query(`ALTER TABLE "reward_map" ADD "publisher" text`)
    await query.query(`ALTER TABLE "reward_map" ADD "bond" numeric(78,0) NOT NULL DEFAULT 0`)
    await query.query(`ALTER TABLE "reward_map" ALTER COLUMN "bond" DROP DEFAULT`)
    await query.query(`ALTER TABLE "reward_map" ADD "bond_released_to" text`)
    await query.query(`ALTER TABLE "reward_split" DROP COLUMN "unattributed"`)
    await query.query(`ALTER TABLE "reward_split" ADD "unattributed_by_weight" boolean NOT NULL DEFAULT false`)
    await query.query(`ALTER TABLE "reward_split" ALTER COLUMN "unattributed_by_weight" DROP DEFAULT`)
  }
}
