import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class AddSearch extends Migration {
  name = 'AddSearch1700000000035'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "search_text" ("id" text NOT NULL, "kind" text NOT NULL, "text" text NOT NULL, CONSTRAINT "PK_2fa699811eac81e4cdbd521724e" PRIMARY KEY ("id"))`,
    )
    await query.query(
      `CREATE INDEX "proposal_search" ON "proposal" USING gin (to_tsvector('simple', translate(left(description, 100000), './:@_-+~&=?#%<>;', '                '))) WHERE for_votes = 0 and against_votes = 0 and abstain_votes = 0`,
    )
    await query.query(
      `CREATE INDEX "search_text_words" ON "search_text" USING gin (to_tsvector('simple', translate(left(text, 100000), './:@_-+~&=?#%<>;', '                ')))`,
    )
  }
}
