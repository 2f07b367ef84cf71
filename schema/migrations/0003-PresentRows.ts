import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class PresentRows extends Migration {
  name = 'PresentRows1700000000003'

  async up(query: QueryRunner) {
    await query.query(`ALTER TABLE "proposal" ADD "operation" text`)
    await query.query(`ALTER TABLE "commitment" ADD "commitment" text NOT NULL`)
    await query.query(`ALTER TABLE "slash" ADD "subject_id" text NOT NULL`)
    await query.query(`CREATE INDEX "IDX_3e102cdd08dfc1c7363b3128ac" ON "proposal" ("operation")`)
    await query.query(`CREATE UNIQUE INDEX "proposal_present" ON "proposal" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "vote_present" ON "vote" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "holder_present" ON "holder" ("id") WHERE to_block IS NULL`)
    await query.query(
      `CREATE UNIQUE INDEX "governor_setting_present" ON "governor_setting" ("id") WHERE to_block IS NULL`,
    )
    await query.query(
      `CREATE UNIQUE INDEX "timelock_operation_present" ON "timelock_operation" ("id") WHERE to_block IS NULL`,
    )
    await query.query(`CREATE UNIQUE INDEX "model_present" ON "model" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "mandate_present" ON "mandate" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "target_present" ON "target" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "reward_split_present" ON "reward_split" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "budget_entry_present" ON "budget_entry" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "model_stake_present" ON "model_stake" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "model_version_present" ON "model_version" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "evaluation_present" ON "evaluation" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "endpoint_present" ON "endpoint" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "credit_present" ON "credit" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "voucher_present" ON "voucher" ("id") WHERE to_block IS NULL`)
    await query.query(
      `CREATE UNIQUE INDEX "usage_settlement_present" ON "usage_settlement" ("id") WHERE to_block IS NULL`,
    )
    await query.query(`CREATE UNIQUE INDEX "datanet_present" ON "datanet" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "commitment_present" ON "commitment" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "contribution_present" ON "contribution" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "reward_map_present" ON "reward_map" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "reward_claim_present" ON "reward_claim" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "chain_event_present" ON "chain_event" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "dispute_present" ON "dispute" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE INDEX "IDX_a184a16bf1edec3e3762463438" ON "slash" ("subject_id")`)
    await query.query(`CREATE UNIQUE INDEX "slash_present" ON "slash" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "feedback_task_present" ON "feedback_task" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "judgement_present" ON "judgement" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "validator_present" ON "validator" ("id") WHERE to_block IS NULL`)
    await query.query(`CREATE UNIQUE INDEX "reputation_present" ON "reputation" ("id") WHERE to_block IS NULL`)
  }
}
