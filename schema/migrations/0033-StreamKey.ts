import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class StreamKey extends Migration {
  name = 'StreamKey1700000000033'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "worker_node" ADD "stream_key" text`)
  }
}
