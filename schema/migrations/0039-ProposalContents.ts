import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** What a proposal says is kept once, and not with each change of its tally; a version that changes nothing else ends. State roots are computed again. */
export class ProposalContents extends Migration {
  name = 'ProposalContents1700000000039'

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "proposal_content" ("id" text NOT NULL, "description" text NOT NULL, "description_hash" text, "targets" text array NOT NULL, "values" jsonb NOT NULL, "signatures" text array NOT NULL, "calldatas" text array NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_29ebcf5016617aa59ac8759840f" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(
      `INSERT INTO "proposal_content" SELECT "id", "description", "description_hash", "targets", "values", "signatures", "calldatas", "from_block", "to_block" FROM "proposal"`,
    )
    await this.join(query, 'proposal_content')
    for (const column of ['values', 'description', 'targets', 'description_hash', 'signatures', 'calldatas'])
      await query.query(`ALTER TABLE "proposal" DROP COLUMN "${column}"`)
    await this.join(query, 'proposal')
    await query.query(`DELETE FROM "state_root"`)

    await query.query(
      `CREATE INDEX "proposal_content_to" ON "proposal_content" ("to_block") WHERE to_block IS NOT NULL`,
    )
    await query.query(`CREATE INDEX "proposal_content_from" ON "proposal_content" ("from_block")`)
    await query.query(
      `CREATE UNIQUE INDEX "proposal_content_present" ON "proposal_content" ("id") WHERE to_block IS NULL`,
    )
    await query.query(
      `CREATE INDEX "proposal_content_search" ON "proposal_content" USING gin (to_tsvector('simple', translate(left(description, 100000), './:@_-+~&=?#%<>;', '                ')))`,
    )
  }

  /** Joins versions of a row that follow each other with the same values. */
  private async join(query: QueryRunner, table: string) {
    await query.query(
      `WITH compared AS (
         SELECT id, from_block, to_block, md5((to_jsonb(t) - 'from_block' - 'to_block')::text) AS content FROM "${table}" t
       ), marked AS (
         SELECT *, content IS DISTINCT FROM lag(content) OVER w OR from_block IS DISTINCT FROM lag(to_block) OVER w AS begins
         FROM compared WINDOW w AS (PARTITION BY id ORDER BY from_block)
       ), grouped AS (
         SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY id ORDER BY from_block) AS run FROM marked
       ), runs AS (
         SELECT id, min(from_block) AS first, max(from_block) AS last FROM grouped GROUP BY id, run HAVING count(*) > 1
       ), removed AS (
         DELETE FROM "${table}" t USING runs WHERE t.id = runs.id AND t.from_block > runs.first AND t.from_block <= runs.last
         RETURNING t.id, t.from_block, t.to_block
       )
       UPDATE "${table}" t SET to_block = removed.to_block FROM runs JOIN removed ON removed.id = runs.id AND removed.from_block = runs.last
       WHERE t.id = runs.id AND t.from_block = runs.first`,
    )
  }
}
