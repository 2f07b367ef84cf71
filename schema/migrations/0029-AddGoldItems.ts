import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddGoldItems extends Migration {
  name = 'AddGoldItems1700000000029'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "gold_item" ("id" text NOT NULL, "job_id" text NOT NULL, CONSTRAINT "PK_db893ff8e9d96f6f9a598676b29" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_b9fcc98c6e6ca65cfcd13c5b16" ON "gold_item" ("job_id")`)
    await query.query(
      `CREATE TABLE "gold_key" ("id" text NOT NULL, "key" text NOT NULL, "job_id" text NOT NULL, CONSTRAINT "UQ_5119a4f387cc7e6fe9e1cb4d8fd" UNIQUE ("job_id"), CONSTRAINT "PK_230cb7ca7062dc9fa688f756074" PRIMARY KEY ("id"))`,
    )
  }
}
