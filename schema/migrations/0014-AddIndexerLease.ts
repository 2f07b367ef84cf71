import type { QueryRunner } from 'typeorm'
import type { Migration } from './migration.ts'

export class AddIndexerLease implements Migration {
  name = 'AddIndexerLease1700000000014'
  compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "indexer_lease" ("id" text NOT NULL, "holder" text NOT NULL, "session" integer NOT NULL, "token" bigint NOT NULL, "renewed_at" TIMESTAMP WITH TIME ZONE NOT NULL, "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_a869923bdca3e395e4ecf858959" PRIMARY KEY ("id"))`,
    )
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
