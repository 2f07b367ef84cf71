import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** Tasks are opened in rounds by a new contract. Rows of the contract before have no round (0) and no seat. */
export class FeedbackRounds extends Migration {
  name = 'FeedbackRounds1700000000027'

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "feedback_round" ("id" text NOT NULL, "model_id" text NOT NULL, "seats" integer NOT NULL, "total_stake" numeric(78,0) NOT NULL, "opened_block" bigint NOT NULL, "seed" text, "gold_commitment" text, "gold_secret" text, "opened_at" TIMESTAMP WITH TIME ZONE NOT NULL, "commit_deadline" TIMESTAMP WITH TIME ZONE NOT NULL, "reveal_deadline" TIMESTAMP WITH TIME ZONE NOT NULL, "settled" boolean NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_c9e29f7447de8f578701dbb388c" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "feedback_round_to" ON "feedback_round" ("to_block") WHERE to_block IS NOT NULL`)
    await query.query(`CREATE INDEX "feedback_round_from" ON "feedback_round" ("from_block")`)
    await query.query(`CREATE UNIQUE INDEX "feedback_round_present" ON "feedback_round" ("id") WHERE to_block IS NULL`)
    await query.query(`ALTER TABLE "feedback_task" ADD "round_id" text NOT NULL DEFAULT '0'`)
    await query.query(`ALTER TABLE "feedback_task" ALTER COLUMN "round_id" DROP DEFAULT`)
    await query.query(`ALTER TABLE "judgement" ADD "seat_stake" numeric(78,0) NOT NULL DEFAULT 0`)
    await query.query(`ALTER TABLE "judgement" ALTER COLUMN "seat_stake" DROP DEFAULT`)
    await query.query(`ALTER TABLE "judgement" ADD "stage" integer NOT NULL DEFAULT 0`)
    await query.query(`ALTER TABLE "judgement" ALTER COLUMN "stage" DROP DEFAULT`)
    await query.query(`CREATE INDEX "feedback_round_order" ON "feedback_round" (length(id), id)`)
    await query.query(`CREATE INDEX "feedback_round_model_id_list" ON "feedback_round" ("model_id", length(id), id)`)
    await query.query(`CREATE INDEX "feedback_task_round_id_list" ON "feedback_task" ("round_id", length(id), id)`)
  }
}
