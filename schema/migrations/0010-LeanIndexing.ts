import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What the state root digests is the text that COPY stores: roots of the former kind go, and the indexer makes them anew. An event's id
 *  says its block, so that its primary key alone keeps it from being there twice. */
export class LeanIndexing implements MigrationInterface {
  name = 'LeanIndexing1700000000010'

  async up(query: QueryRunner) {
    await query.query(`DELETE FROM "state_root"`)
    await query.query(`DROP INDEX "public"."chain_event_present"`)
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
