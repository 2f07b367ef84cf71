import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddSignIn extends Migration {
  name = 'AddSignIn1700000000036'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "key_call" ("id" text NOT NULL, "key_id" text NOT NULL, CONSTRAINT "PK_f5bd9d03c41a104e64eb9515c9e" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_03db0e861d94a04ee779d91b8c" ON "key_call" ("key_id")`)
    await query.query(
      `CREATE TABLE "sign_in_session" ("id" text NOT NULL, "token_hash" text NOT NULL, "account" text NOT NULL, "created_at" TIMESTAMP WITH TIME ZONE NOT NULL, "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_758c4bfa0f01b3da339a5e3594d" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_eeaf1f43a9ae2a9c1a2fc26855" ON "sign_in_session" ("token_hash")`)
    await query.query(`CREATE INDEX "IDX_116c00f4d51902f722698eae1e" ON "sign_in_session" ("account")`)
    await query.query(
      `CREATE TABLE "sign_in_secret" ("id" text NOT NULL, "secret" text NOT NULL, CONSTRAINT "PK_74bb1d36cd0188ce70b938ab4c8" PRIMARY KEY ("id"))`,
    )
    await query.query(`ALTER TABLE "api_key" ADD "prefix" text`)
    await query.query(`ALTER TABLE "api_key" ADD "scopes" text array`)
    await query.query(`ALTER TABLE "api_key" ADD "spend_cap" numeric(78,0)`)
    await query.query(`ALTER TABLE "api_key" ADD "expires_at" TIMESTAMP WITH TIME ZONE`)
  }
}
