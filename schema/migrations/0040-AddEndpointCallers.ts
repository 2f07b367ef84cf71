import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddEndpointCallers extends Migration {
  name = 'AddEndpointCallers1700000000040'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "endpoint_callers" ("id" text NOT NULL, "accounts" text array NOT NULL, "changed_by" text, "changed_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_88523e7d0f396aea4490139a0c4" PRIMARY KEY ("id"))`,
    )
  }
}
