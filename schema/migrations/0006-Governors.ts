import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** An address of the one deployment that a database of an earlier schema followed. */
const home = (name: string) => `(SELECT contracts ->> '${name}' FROM cursor)`

/** The columns that distinguish several Governors, with their values for the rows of a single one. */
const ADDED = [
  ['proposal', 'governor_id', 'text', home('ModelGovernor')],
  ['proposal', 'on_chain_id', 'text', 'id'],
  ['proposal', 'signatures', 'text array', `'{}'`],
  ['holder', 'token', 'text', home('GOpen')],
  ['holder', 'account', 'text', 'id'],
  [
    'governor_setting',
    'contract',
    'text',
    `CASE WHEN id = 'totalSupply' THEN ${home('GOpen')} WHEN id = 'minDelay' THEN ${home('TimelockController')} ELSE ${home('ModelGovernor')} END`,
  ],
  ['governor_setting', 'name', 'text', 'id'],
] as const

/** Supports any number of Governors with their counting rules, and stores the comparisons with the contracts. */
export class Governors extends Migration {
  name = 'Governors1700000000006'

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "governor" ("id" text NOT NULL, "name" text NOT NULL, "kind" text NOT NULL, "token" text, "timelock" text, "clock" text NOT NULL, "counting" text NOT NULL, "quorum_denominator" numeric(78,0) NOT NULL, "fixed_quorum" numeric(78,0), "grace_period" integer, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_5afed3ae0e7e42ecee1bb9cb538" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_bdac8db55b16af297526531c17" ON "governor" ("token")`)
    await query.query(`CREATE INDEX "governor_to" ON "governor" ("to_block")`)
    await query.query(`CREATE INDEX "governor_from" ON "governor" ("from_block")`)
    await query.query(`CREATE UNIQUE INDEX "governor_present" ON "governor" ("id") WHERE to_block IS NULL`)
    await query.query(
      `CREATE TABLE "reconciliation" ("id" text NOT NULL, "governor_id" text NOT NULL, "block" bigint NOT NULL, "hash" text NOT NULL, "seed" text NOT NULL, "compared" integer NOT NULL, "drift" integer NOT NULL, "findings" jsonb NOT NULL, "at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_8103a735d30a2e8c937a9ea9934" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_819b1af71888be086399014d92" ON "reconciliation" ("governor_id")`)
    await query.query(`CREATE INDEX "IDX_2184c21f3b293eca525c10896b" ON "reconciliation" ("block")`)
    for (const [table, name, type, value] of ADDED) {
      await query.query(`ALTER TABLE "${table}" ADD "${name}" ${type}`)
      await query.query(`UPDATE "${table}" SET "${name}" = ${value}`)
      await query.query(`ALTER TABLE "${table}" ALTER "${name}" SET NOT NULL`)
    }
    await query.query(`INSERT INTO "governor"
      SELECT ${home('ModelGovernor')}, 'ModelCommons', 'OpenZeppelin', contracts ->> 'GOpen', contracts ->> 'TimelockController',
        'Timestamp', 'ForAbstain', 100, NULL, NULL, said.block, NULL
      FROM cursor, (SELECT min(from_block) AS block FROM chain_event WHERE contract = 'ModelGovernor') said
      WHERE said.block IS NOT NULL`)
    await query.query(`CREATE INDEX "IDX_5c67cbcf4960c1a39e5fe25e87" ON "block" ("timestamp")`)
    await query.query(`CREATE INDEX "IDX_37d27d683ee802f153cde03a46" ON "proposal" ("governor_id")`)
    await query.query(`CREATE INDEX "IDX_2eae88f467f9b2623377011f51" ON "proposal" ("on_chain_id")`)
    await query.query(`CREATE INDEX "IDX_34e486a45edac864534fc29257" ON "holder" ("account")`)
  }
}
