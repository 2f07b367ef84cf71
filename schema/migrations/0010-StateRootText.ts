import type { MigrationInterface, QueryRunner } from 'typeorm'

/** The lines under the state root are those that COPY stores: roots of the former kind go, and the indexer makes them anew. */
export class StateRootText implements MigrationInterface {
  name = 'StateRootText1700000000010'

  async up(query: QueryRunner) {
    await query.query(`DELETE FROM "state_root"`)
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
