import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class CountUploads extends Migration {
  name = 'CountUploads1700000000031'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "api_key" ADD "upload_day" bigint NOT NULL DEFAULT '0'`)
    await query.query(`ALTER TABLE "api_key" ADD "uploaded_bytes" bigint NOT NULL DEFAULT '0'`)
  }
}
