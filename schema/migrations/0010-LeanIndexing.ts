import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** The state root now hashes the text that COPY stores: old roots are deleted, and the indexer computes them again. An event's id contains its
 *  block, so its primary key alone prevents duplicates. */
export class LeanIndexing extends Migration {
  name = 'LeanIndexing1700000000010'

  async up(query: QueryRunner) {
    await query.query(`DELETE FROM "state_root"`)
    await query.query(`DROP INDEX "public"."chain_event_present"`)
  }
}
