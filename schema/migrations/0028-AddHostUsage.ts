import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddHostUsage extends Migration {
  name = 'AddHostUsage1700000000028'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "host_usage" ("id" text NOT NULL, "epoch" integer NOT NULL, "host" text NOT NULL, "document" text NOT NULL, "signature" text NOT NULL, "offered_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_70632c475b1fb1e088350254c37" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_b2e485c1463495ad672b2bbd90" ON "host_usage" ("epoch")`)
  }
}
