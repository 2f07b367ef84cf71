import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddSteward extends Migration {
  name = 'AddSteward1700000000030'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "stewardship" ("id" text NOT NULL, "model_id" text NOT NULL, "state" text NOT NULL, "explanation" text NOT NULL, "policy" jsonb, "block" bigint, "decided_at" TIMESTAMP WITH TIME ZONE NOT NULL, "paused" boolean NOT NULL DEFAULT false, "paused_reason" text, "resumed_at" TIMESTAMP WITH TIME ZONE, CONSTRAINT "PK_4884c80825f8b818be0f4d60af4" PRIMARY KEY ("id"))`,
    )
    await query.query(
      `CREATE TABLE "steward_step" ("id" text NOT NULL, "model_id" text, "name" text NOT NULL, "reason" text NOT NULL, "waits_for" text, "due_at" TIMESTAMP WITH TIME ZONE, "place" integer NOT NULL, "cost" numeric(78,0) NOT NULL, "job_id" text, "decided_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_a13f3a73485800441d290acafa3" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "steward_step_model_id_list" ON "steward_step" ("model_id", "id")`)
    await query.query(`CREATE INDEX "steward_step_job_id_list" ON "steward_step" ("job_id", "id")`)
    await query.query(`CREATE INDEX "stewardship_order" ON "stewardship" (length(id), id)`)
    await query.query(`CREATE INDEX "stewardship_model_id_list" ON "stewardship" ("model_id", length(id), id)`)
  }
}
