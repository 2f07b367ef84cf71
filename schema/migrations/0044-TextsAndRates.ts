import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class TextsAndRates extends Migration {
  name = 'TextsAndRates1700000000044'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "text_retention" ("id" text NOT NULL, "since" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_text_retention" PRIMARY KEY ("id"))`,
    )
    await query.query(
      `CREATE TABLE "journalled_text" ("id" text NOT NULL, "requested_at" TIMESTAMP WITH TIME ZONE NOT NULL, "ended_at" TIMESTAMP WITH TIME ZONE NOT NULL, "tried_at" TIMESTAMP WITH TIME ZONE, CONSTRAINT "PK_3291745985a0034d0408fba6886" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_5cb527202c8bff5c29f6d6b544" ON "journalled_text" ("requested_at")`)
    await query.query(`ALTER TABLE "api_key" ADD "requests_per_minute" integer`)
    await query.query(`ALTER TABLE "api_key" ADD "tokens_per_minute" integer`)
    await query.query(`ALTER TABLE "key_call" ADD "started_at" TIMESTAMP WITH TIME ZONE`)
    await query.query(`ALTER TABLE "key_call" ADD "max_tokens" integer NOT NULL DEFAULT '0'`)
    await query.query(`ALTER TABLE "job_run" ADD "texts_removed_at" TIMESTAMP WITH TIME ZONE`)
    await query.query(`ALTER TABLE "receipt" ADD "texts_removed_at" TIMESTAMP WITH TIME ZONE`)
  }
}
