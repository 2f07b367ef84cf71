import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** State roots are of version 4: the indexer computes them again at its next start. */
export class RootsOfVersion4 extends Migration {
  name = 'RootsOfVersion41700000000041'

  async up(query: QueryRunner) {
    await query.query(`DELETE FROM "state_root"`)
  }
}
