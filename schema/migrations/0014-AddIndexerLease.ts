import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddIndexerLease extends Migration {
  name = 'AddIndexerLease1700000000014'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "indexer_lease" ("id" text NOT NULL, "holder" text NOT NULL, "session" integer NOT NULL, "token" bigint NOT NULL, "renewed_at" TIMESTAMP WITH TIME ZONE NOT NULL, "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_a869923bdca3e395e4ecf858959" PRIMARY KEY ("id"))`,
    )
  }
}
