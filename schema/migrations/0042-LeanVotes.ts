import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** A vote never ends, so the primary key finds its present version: the index of present rows had every vote once more. */
export class LeanVotes extends Migration {
  name = 'LeanVotes1700000000042'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`DROP INDEX "public"."vote_present"`)
  }
}
