import type { QueryRunner } from 'typeorm'
import { type Hex, keccak256 } from 'viem'
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
    // Rounds that were opened before are settled with the gold that their comparison stored.
    const compared: { id: string; key: string }[] = await query.query(
      `SELECT id, result->>'key' AS key FROM job_run WHERE kind = 'compare' AND status = 'Succeeded' AND result->>'key' ~ '^0x[0-9a-f]{64}$'`,
    )
    for (const { id, key } of compared)
      await query.query(`INSERT INTO "gold_key" ("id", "key", "job_id") VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, [
        keccak256(key as Hex),
        key,
        id,
      ])
  }
}
