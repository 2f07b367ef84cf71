import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

export class Initial extends Migration {
  name = 'Initial1700000000001'

  async up(query: QueryRunner) {
    await query.query(
      `CREATE TABLE "proposal" ("id" text NOT NULL, "proposer" text NOT NULL, "description" text NOT NULL, "targets" text array NOT NULL, "values" jsonb NOT NULL, "calldatas" text array NOT NULL, "vote_start" bigint NOT NULL, "vote_end" bigint NOT NULL, "against_votes" numeric(78,0) NOT NULL, "for_votes" numeric(78,0) NOT NULL, "abstain_votes" numeric(78,0) NOT NULL, "quorum" numeric(78,0), "canceled" boolean NOT NULL, "executed" boolean NOT NULL, "eta" TIMESTAMP WITH TIME ZONE, "created_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_11a3d03367854815dbecd057f94" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_08f784c7228e3721b5952756fc" ON "proposal" ("proposer")`)
    await query.query(`CREATE INDEX "proposal_to" ON "proposal" ("to_block")`)
    await query.query(`CREATE INDEX "proposal_from" ON "proposal" ("from_block")`)
    await query.query(
      `CREATE TABLE "vote" ("id" text NOT NULL, "proposal_id" text NOT NULL, "voter" text NOT NULL, "support" integer NOT NULL, "weight" numeric(78,0) NOT NULL, "reason" text NOT NULL, "params" text, "cast_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_62468392e23e03ef26f9ce2ac9b" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_db85a3f8526cbaa2865faf8637" ON "vote" ("proposal_id")`)
    await query.query(`CREATE INDEX "IDX_a5f50dff54cdcd6c9852c21b6e" ON "vote" ("voter")`)
    await query.query(`CREATE INDEX "vote_to" ON "vote" ("to_block")`)
    await query.query(`CREATE INDEX "vote_from" ON "vote" ("from_block")`)
    await query.query(
      `CREATE TABLE "holder" ("id" text NOT NULL, "balance" numeric(78,0) NOT NULL, "delegate" text, "votes" numeric(78,0) NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_88f5333247c9d00643509b98823" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_7885794dc5864d37821fc6a9b7" ON "holder" ("delegate")`)
    await query.query(`CREATE INDEX "holder_to" ON "holder" ("to_block")`)
    await query.query(`CREATE INDEX "holder_from" ON "holder" ("from_block")`)
    await query.query(
      `CREATE TABLE "governor_setting" ("id" text NOT NULL, "value" text NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_0dee756bca82583abb14bdd9b2e" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "governor_setting_to" ON "governor_setting" ("to_block")`)
    await query.query(`CREATE INDEX "governor_setting_from" ON "governor_setting" ("from_block")`)
    await query.query(
      `CREATE TABLE "timelock_operation" ("id" text NOT NULL, "operation" text NOT NULL, "index" integer NOT NULL, "target" text NOT NULL, "value" numeric(78,0) NOT NULL, "data" text NOT NULL, "predecessor" text NOT NULL, "status" text NOT NULL, "ready_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_c2e68d96c7c0ffc58230e49b8dd" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_b58e21257b057a4856d98ee649" ON "timelock_operation" ("operation")`)
    await query.query(`CREATE INDEX "timelock_operation_to" ON "timelock_operation" ("to_block")`)
    await query.query(`CREATE INDEX "timelock_operation_from" ON "timelock_operation" ("from_block")`)
    await query.query(
      `CREATE TABLE "model" ("id" text NOT NULL, "proposer" text NOT NULL, "proposal_id" text NOT NULL, "spec_hash" text NOT NULL, "spec_uri" text NOT NULL, "bond" numeric(78,0) NOT NULL, "bond_returned" numeric(78,0) NOT NULL, "bond_slashed" numeric(78,0) NOT NULL, "bond_status" text NOT NULL, "staked" numeric(78,0) NOT NULL, "live_version_id" text, "proposed_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_6ac91d25a934f64fb5fb090bcf5" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_35928bc15479382b70b06ab7d3" ON "model" ("proposer")`)
    await query.query(`CREATE INDEX "IDX_29cb10480e33f23db37d6b1e54" ON "model" ("proposal_id")`)
    await query.query(`CREATE INDEX "IDX_4121d0776a64cfe4eec930bf36" ON "model" ("live_version_id")`)
    await query.query(`CREATE INDEX "model_to" ON "model" ("to_block")`)
    await query.query(`CREATE INDEX "model_from" ON "model" ("from_block")`)
    await query.query(
      `CREATE TABLE "mandate" ("id" text NOT NULL, "model_id" text NOT NULL, "proposal_id" text NOT NULL, "budget" numeric(78,0) NOT NULL, "funded" numeric(78,0) NOT NULL, "spent" numeric(78,0) NOT NULL, "rubric_hash" text NOT NULL, "split_hash" text NOT NULL, "deadline" TIMESTAMP WITH TIME ZONE NOT NULL, "issued_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_9fce9e0abfd9bbbc41ce8451c60" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_3141dc81bd01e94f587a445af7" ON "mandate" ("model_id")`)
    await query.query(`CREATE INDEX "IDX_3664d5ba53d4cba8ac660f0454" ON "mandate" ("proposal_id")`)
    await query.query(`CREATE INDEX "mandate_to" ON "mandate" ("to_block")`)
    await query.query(`CREATE INDEX "mandate_from" ON "mandate" ("from_block")`)
    await query.query(
      `CREATE TABLE "target" ("id" text NOT NULL, "model_id" text NOT NULL, "metric" text NOT NULL, "minimum" numeric(78,0) NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_fc994b29d8fac8ba6319a1eca98" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_f52c5f13de54f5d1baf20e7e58" ON "target" ("model_id")`)
    await query.query(`CREATE INDEX "target_to" ON "target" ("to_block")`)
    await query.query(`CREATE INDEX "target_from" ON "target" ("from_block")`)
    await query.query(
      `CREATE TABLE "reward_split" ("id" text NOT NULL, "model_id" text NOT NULL, "split_hash" text NOT NULL, "platform" integer NOT NULL, "owner" integer NOT NULL, "stakers" integer NOT NULL, "data" integer NOT NULL, "validators" integer NOT NULL, "host" integer NOT NULL, "ancestors" integer NOT NULL, "data_by_weight" integer NOT NULL, "unattributed" text NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_857780a05755789fad07004f4da" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_35e70a2d40d60f4a7f81783476" ON "reward_split" ("model_id")`)
    await query.query(`CREATE INDEX "reward_split_to" ON "reward_split" ("to_block")`)
    await query.query(`CREATE INDEX "reward_split_from" ON "reward_split" ("from_block")`)
    await query.query(
      `CREATE TABLE "budget_entry" ("id" text NOT NULL, "model_id" text NOT NULL, "direction" text NOT NULL, "account" text NOT NULL, "purpose" text NOT NULL, "amount" numeric(78,0) NOT NULL, "at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_e05ee4a35c257ff5b6684b127af" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_64abb10557ef20b36794072ac4" ON "budget_entry" ("model_id")`)
    await query.query(`CREATE INDEX "IDX_7af2132b846aaaea75d54e8249" ON "budget_entry" ("account")`)
    await query.query(`CREATE INDEX "budget_entry_to" ON "budget_entry" ("to_block")`)
    await query.query(`CREATE INDEX "budget_entry_from" ON "budget_entry" ("from_block")`)
    await query.query(
      `CREATE TABLE "model_stake" ("id" text NOT NULL, "model_id" text NOT NULL, "account" text NOT NULL, "amount" numeric(78,0) NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_13e81ccdc42b9bb431f0b846429" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_61354db2b18d0db521bba0b682" ON "model_stake" ("model_id")`)
    await query.query(`CREATE INDEX "IDX_68e7be47bfb94f19c658811fac" ON "model_stake" ("account")`)
    await query.query(`CREATE INDEX "model_stake_to" ON "model_stake" ("to_block")`)
    await query.query(`CREATE INDEX "model_stake_from" ON "model_stake" ("from_block")`)
    await query.query(
      `CREATE TABLE "model_version" ("id" text NOT NULL, "model_id" text NOT NULL, "parent_id" text, "method" text NOT NULL, "dataset_root" text NOT NULL, "manifest_hash" text NOT NULL, "adapter_hash" text NOT NULL, "status" text NOT NULL, "rollback_reason" text, "registered_at" TIMESTAMP WITH TIME ZONE NOT NULL, "promoted_at" TIMESTAMP WITH TIME ZONE, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_c23bff04481422d00af401e7f5a" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_959afe36ff1a069b7cfbdb65ec" ON "model_version" ("model_id")`)
    await query.query(`CREATE INDEX "IDX_02de75b86d69e4e84c8e27981e" ON "model_version" ("parent_id")`)
    await query.query(`CREATE INDEX "model_version_to" ON "model_version" ("to_block")`)
    await query.query(`CREATE INDEX "model_version_from" ON "model_version" ("from_block")`)
    await query.query(
      `CREATE TABLE "evaluation" ("id" text NOT NULL, "version_id" text NOT NULL, "rubric_hash" text NOT NULL, "metric" text NOT NULL, "score" numeric(78,0) NOT NULL, "lower" numeric(78,0) NOT NULL, "upper" numeric(78,0) NOT NULL, "n" integer NOT NULL, "log_hash" text NOT NULL, "logged_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_8c7c6855879fa39fa651d13ed30" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_2cd40c9c20986d6db493dd56ba" ON "evaluation" ("version_id")`)
    await query.query(`CREATE INDEX "IDX_0cdfd1468ca8e4caafdca8185d" ON "evaluation" ("metric")`)
    await query.query(`CREATE INDEX "evaluation_to" ON "evaluation" ("to_block")`)
    await query.query(`CREATE INDEX "evaluation_from" ON "evaluation" ("from_block")`)
    await query.query(
      `CREATE TABLE "endpoint" ("id" text NOT NULL, "version_id" text NOT NULL, "host" text NOT NULL, "url" text NOT NULL, "price_in" numeric(78,0) NOT NULL, "price_out" numeric(78,0) NOT NULL, "registered_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_0b2bc5453f69189240926a0e45b" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_2a34cccf7375068bb92226ec0e" ON "endpoint" ("version_id")`)
    await query.query(`CREATE INDEX "IDX_a9b9c300391ecc6e0ddd3f7a15" ON "endpoint" ("host")`)
    await query.query(`CREATE INDEX "endpoint_to" ON "endpoint" ("to_block")`)
    await query.query(`CREATE INDEX "endpoint_from" ON "endpoint" ("from_block")`)
    await query.query(
      `CREATE TABLE "credit" ("id" text NOT NULL, "balance" numeric(78,0) NOT NULL, "deposited" numeric(78,0) NOT NULL, "spent" numeric(78,0) NOT NULL, "withdrawn" numeric(78,0) NOT NULL, "withdrawing" numeric(78,0) NOT NULL, "withdrawable_at" TIMESTAMP WITH TIME ZONE, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_4674544b3cf0605a1d1e6582c81" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "credit_to" ON "credit" ("to_block")`)
    await query.query(`CREATE INDEX "credit_from" ON "credit" ("from_block")`)
    await query.query(
      `CREATE TABLE "voucher" ("id" text NOT NULL, "endpoint_id" text NOT NULL, "consumer" text NOT NULL, "cumulative" numeric(78,0) NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_cb56f128f4560b9032cd24b6ceb" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_7c4097d24ff976593cf9d2ded7" ON "voucher" ("endpoint_id")`)
    await query.query(`CREATE INDEX "IDX_e2d55c329522f35e75eee89868" ON "voucher" ("consumer")`)
    await query.query(`CREATE INDEX "voucher_to" ON "voucher" ("to_block")`)
    await query.query(`CREATE INDEX "voucher_from" ON "voucher" ("from_block")`)
    await query.query(
      `CREATE TABLE "usage_settlement" ("id" text NOT NULL, "epoch" integer NOT NULL, "endpoint_id" text NOT NULL, "root" text NOT NULL, "tokens_in" numeric(78,0) NOT NULL, "tokens_out" numeric(78,0) NOT NULL, "fees" numeric(78,0) NOT NULL, "settled_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_c267509b393813198c15c7e6cc0" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_4e0401e83d86118835b17fa740" ON "usage_settlement" ("epoch")`)
    await query.query(`CREATE INDEX "IDX_b42b7e6aeea05624f4b25eff7b" ON "usage_settlement" ("endpoint_id")`)
    await query.query(`CREATE INDEX "usage_settlement_to" ON "usage_settlement" ("to_block")`)
    await query.query(`CREATE INDEX "usage_settlement_from" ON "usage_settlement" ("from_block")`)
    await query.query(
      `CREATE TABLE "api_key" ("id" text NOT NULL, "account" text NOT NULL, "role" text NOT NULL, "label" text NOT NULL, "created_at" TIMESTAMP WITH TIME ZONE NOT NULL, "revoked_at" TIMESTAMP WITH TIME ZONE, CONSTRAINT "PK_b1bd840641b8acbaad89c3d8d11" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_abb437c9333ceae2380d7a82f3" ON "api_key" ("account")`)
    await query.query(
      `CREATE TABLE "signed_voucher" ("id" text NOT NULL, "endpoint_id" text NOT NULL, "consumer" text NOT NULL, "cumulative" numeric(78,0) NOT NULL, "deadline" numeric(78,0) NOT NULL, "signature" text NOT NULL, "used" numeric(78,0) NOT NULL, "signed_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_1f99447da798049aaa8036bca84" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_3850cdea67d89dd5dc9c6a3d55" ON "signed_voucher" ("endpoint_id")`)
    await query.query(`CREATE INDEX "IDX_8f9b854219c9648a222d5472e8" ON "signed_voucher" ("consumer")`)
    await query.query(
      `CREATE TABLE "artifact" ("id" text NOT NULL, "kind" text NOT NULL, "media_type" text NOT NULL, "size" numeric(78,0) NOT NULL, "created_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_1f238d1d4ef8f85d0c0b8616fa3" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_602a2b95932036f5ee4d051821" ON "artifact" ("kind")`)
    await query.query(
      `CREATE TABLE "datanet" ("id" text NOT NULL, "model_id" text NOT NULL, "owner" text NOT NULL, "licence" text NOT NULL, "min_stake" numeric(78,0) NOT NULL, "created_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_d0f6d88f68b7694187617454763" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_8f3cf0e582f23aa2b28aa52665" ON "datanet" ("model_id")`)
    await query.query(`CREATE INDEX "IDX_56c3bf9a3c5d68bd840c2f248d" ON "datanet" ("owner")`)
    await query.query(`CREATE INDEX "datanet_to" ON "datanet" ("to_block")`)
    await query.query(`CREATE INDEX "datanet_from" ON "datanet" ("from_block")`)
    await query.query(
      `CREATE TABLE "commitment" ("id" text NOT NULL, "contributor" text NOT NULL, "position" text NOT NULL, "committed_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_c8e6240e0ab0b1d631cbfe9f3ba" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_4f4469149881ab211f13b2458b" ON "commitment" ("contributor")`)
    await query.query(`CREATE INDEX "commitment_to" ON "commitment" ("to_block")`)
    await query.query(`CREATE INDEX "commitment_from" ON "commitment" ("from_block")`)
    await query.query(
      `CREATE TABLE "contribution" ("id" text NOT NULL, "datanet_id" text NOT NULL, "contributor" text NOT NULL, "content_hash" text NOT NULL, "commitment" text NOT NULL, "committed_block" bigint NOT NULL, "stake" numeric(78,0) NOT NULL, "status" text NOT NULL, "quality" integer, "uniqueness" integer, "reason" text, "slashed" numeric(78,0) NOT NULL, "excluded" boolean NOT NULL, "submitted_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_44d07dc9b93751abced62e5b80f" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_1a2ccaded5af244bdd4aa1da3e" ON "contribution" ("datanet_id")`)
    await query.query(`CREATE INDEX "IDX_bd05d508a31e76c0a6f2c12821" ON "contribution" ("contributor")`)
    await query.query(`CREATE INDEX "IDX_ee7e5a01ffaf543975bd9a6acc" ON "contribution" ("content_hash")`)
    await query.query(`CREATE INDEX "contribution_to" ON "contribution" ("to_block")`)
    await query.query(`CREATE INDEX "contribution_from" ON "contribution" ("from_block")`)
    await query.query(
      `CREATE TABLE "job_run" ("id" text NOT NULL, "kind" text NOT NULL, "input" jsonb NOT NULL, "status" text NOT NULL, "attempt" integer NOT NULL, "attempts" integer NOT NULL, "queue" text NOT NULL, "progress" double precision NOT NULL, "stage" text, "result" jsonb, "error" jsonb, "idempotency_key" text NOT NULL, "requested_by" text, "parent_id" text, "worker_id" text, "cancel_requested" boolean NOT NULL, "created_at" TIMESTAMP WITH TIME ZONE NOT NULL, "started_at" TIMESTAMP WITH TIME ZONE, "heartbeat_at" TIMESTAMP WITH TIME ZONE, "finished_at" TIMESTAMP WITH TIME ZONE, CONSTRAINT "UQ_3e18d650eaf6e6dfa8aa4b1fe55" UNIQUE ("idempotency_key"), CONSTRAINT "PK_96fe0b041b8bc157dcec25bd8ef" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_d8cc00c662d8571c2e94f8e3a4" ON "job_run" ("kind")`)
    await query.query(`CREATE INDEX "IDX_86e3395b446462b2902e3a0531" ON "job_run" ("status")`)
    await query.query(`CREATE INDEX "IDX_5cdf9da1edb604edacb5e9db0d" ON "job_run" ("requested_by")`)
    await query.query(`CREATE INDEX "IDX_a48653cf82a873c0e9c2680caa" ON "job_run" ("parent_id")`)
    await query.query(`CREATE INDEX "IDX_3c31430cdfbb19e248a29a7fd3" ON "job_run" ("worker_id")`)
    await query.query(`CREATE INDEX "IDX_ad576beef5e6a28b052ba9e3dc" ON "job_run" ("heartbeat_at")`)
    await query.query(
      `CREATE TABLE "job_metric" ("id" text NOT NULL, "job_id" text NOT NULL, "name" text NOT NULL, "step" integer NOT NULL, "value" double precision NOT NULL, CONSTRAINT "PK_c8648019fdedfc9c3933610cd06" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_250c190be12a25a9c436dcd8e8" ON "job_metric" ("job_id")`)
    await query.query(
      `CREATE TABLE "worker_node" ("id" text NOT NULL, "host" text NOT NULL, "pid" integer NOT NULL, "device" text NOT NULL, "concurrency" integer NOT NULL, "stream_url" text, "started_at" TIMESTAMP WITH TIME ZONE NOT NULL, "heartbeat_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_dccbc19aaad76946fb81e15cf24" PRIMARY KEY ("id"))`,
    )
    await query.query(
      `CREATE TABLE "version_influence" ("id" text NOT NULL, "version_id" text NOT NULL, "contribution_id" text NOT NULL, "influence" double precision NOT NULL, "standard_error" double precision NOT NULL, "significant" boolean NOT NULL, "harmful" boolean NOT NULL, "weight" integer NOT NULL, CONSTRAINT "PK_13cbc7ad3a90e148337c9216413" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_bb632dea3e86d87700bcb5ffc9" ON "version_influence" ("version_id")`)
    await query.query(`CREATE INDEX "IDX_af2aa4f697cf52b5400437dd19" ON "version_influence" ("contribution_id")`)
    await query.query(
      `CREATE TABLE "receipt" ("id" text NOT NULL, "endpoint_id" text NOT NULL, "version_id" text NOT NULL, "job_id" text NOT NULL, "consumer" text NOT NULL, "epoch" integer NOT NULL, "prompt" text NOT NULL, "answer" text NOT NULL, "tokens_in" integer NOT NULL, "tokens_out" integer NOT NULL, "price_in" numeric(78,0) NOT NULL, "price_out" numeric(78,0) NOT NULL, "fee" numeric(78,0) NOT NULL, "hash" text NOT NULL, "signature" text NOT NULL, "answered_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "UQ_499451cd25be9e420e22716b080" UNIQUE ("job_id"), CONSTRAINT "PK_b4b9ec7d164235fbba023da9832" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_f7d7c234279fa767e8173f2c83" ON "receipt" ("endpoint_id")`)
    await query.query(`CREATE INDEX "IDX_c83e06677dce2b29c93608b300" ON "receipt" ("version_id")`)
    await query.query(`CREATE INDEX "IDX_499451cd25be9e420e22716b08" ON "receipt" ("job_id")`)
    await query.query(`CREATE INDEX "IDX_77c28141c47b4c5a33e530eded" ON "receipt" ("consumer")`)
    await query.query(`CREATE INDEX "IDX_377a534aa47ca10c7b4c74d0fa" ON "receipt" ("epoch")`)
    await query.query(
      `CREATE TABLE "answer_attribution" ("id" text NOT NULL, "receipt_id" text NOT NULL, "contribution_id" text NOT NULL, "influence" double precision NOT NULL, "similarity" double precision NOT NULL, "spans" jsonb NOT NULL, "share" integer NOT NULL, CONSTRAINT "PK_f29bedf55da025f077789d5b52e" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_c68f00a59d613b8de06e77e4b3" ON "answer_attribution" ("receipt_id")`)
    await query.query(`CREATE INDEX "IDX_1796cf6849c312cca6c5723bee" ON "answer_attribution" ("contribution_id")`)
    await query.query(
      `CREATE TABLE "credit_hold" ("id" text NOT NULL, "consumer" text NOT NULL, "endpoint_id" text NOT NULL, "maximum" numeric(78,0) NOT NULL, "fee" numeric(78,0), "open" boolean NOT NULL, "created_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_a16b4354e8d82c46813be41b189" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_dc6d1856e35d8d15c64ce9f693" ON "credit_hold" ("consumer")`)
    await query.query(`CREATE INDEX "IDX_bfc56745fb3fdbf1eda8548a77" ON "credit_hold" ("endpoint_id")`)
    await query.query(
      `CREATE TABLE "reward_map" ("id" text NOT NULL, "epoch" integer NOT NULL, "funded" numeric(78,0) NOT NULL, "first_block" bigint, "last_block" bigint, "block_hash" text, "root" text, "total" numeric(78,0) NOT NULL, "uri" text, "code_hash" text, "status" text NOT NULL, "published_at" TIMESTAMP WITH TIME ZONE, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_d2627eadf11d4619ac655c33699" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "reward_map_to" ON "reward_map" ("to_block")`)
    await query.query(`CREATE INDEX "reward_map_from" ON "reward_map" ("from_block")`)
    await query.query(
      `CREATE TABLE "reward_claim" ("id" text NOT NULL, "map_id" text NOT NULL, "account" text NOT NULL, "amount" numeric(78,0) NOT NULL, "claimed_at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_19d699399d263b9b2be63935174" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_4585f8506b0afeb4fd1b441c9c" ON "reward_claim" ("map_id")`)
    await query.query(`CREATE INDEX "IDX_ba2eeb0fed294650ea05fa937d" ON "reward_claim" ("account")`)
    await query.query(`CREATE INDEX "reward_claim_to" ON "reward_claim" ("to_block")`)
    await query.query(`CREATE INDEX "reward_claim_from" ON "reward_claim" ("from_block")`)
    await query.query(
      `CREATE TABLE "ledger_transfer" ("id" text NOT NULL, "debit" text NOT NULL, "credit" text NOT NULL, "amount" numeric(78,0) NOT NULL, "reason" text NOT NULL, "at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_b9171ac2389eeaef6fb308b273d" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_dac0b07319b793b7787f0dd483" ON "ledger_transfer" ("debit")`)
    await query.query(`CREATE INDEX "IDX_81cb0696c7f12407b2e453a56b" ON "ledger_transfer" ("credit")`)
    await query.query(
      `CREATE TABLE "reward_line" ("id" text NOT NULL, "map_id" text NOT NULL, "account" text NOT NULL, "role" text NOT NULL, "source" text NOT NULL, "amount" numeric(78,0) NOT NULL, "inputs" jsonb NOT NULL, CONSTRAINT "PK_2afdb76576003e4b47653668762" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_99d7fbcd8e0a7510f180e8bcf4" ON "reward_line" ("map_id")`)
    await query.query(`CREATE INDEX "IDX_54888c0f03e353396c72908b6b" ON "reward_line" ("account")`)
    await query.query(`CREATE INDEX "IDX_8c07cfb404674f8181496caf49" ON "reward_line" ("source")`)
    await query.query(
      `CREATE TABLE "chain_transaction" ("id" text NOT NULL, "sender" text NOT NULL, "nonce" integer NOT NULL, "hash" text NOT NULL, "raw" text NOT NULL, "status" text NOT NULL, "error" text, "created_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "UQ_467c3b7884bafb416e5b7a9d28b" UNIQUE ("hash"), CONSTRAINT "PK_b02e1e7708f15fe8dd261b9e908" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_0665af34894afb608b5c98db11" ON "chain_transaction" ("sender")`)
    await query.query(
      `CREATE TABLE "block" ("id" text NOT NULL, "number" bigint NOT NULL, "hash" text NOT NULL, "parent_hash" text NOT NULL, "timestamp" TIMESTAMP WITH TIME ZONE NOT NULL, "final" boolean NOT NULL, CONSTRAINT "UQ_38414873c187a3e0c7943bc4c7b" UNIQUE ("number"), CONSTRAINT "UQ_f8fba63d7965bfee9f304c487aa" UNIQUE ("hash"), CONSTRAINT "PK_d0925763efb591c2e2ffb267572" PRIMARY KEY ("id"))`,
    )
    await query.query(`CREATE INDEX "IDX_3862694baba46c00759b49773f" ON "block" ("final")`)
    await query.query(
      `CREATE TABLE "chain_event" ("id" text NOT NULL, "contract" text NOT NULL, "name" text NOT NULL, "args" jsonb NOT NULL, "address" text NOT NULL, "transaction_hash" text NOT NULL, "log_index" integer NOT NULL, "timestamp" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_1cf32f0bd49116f368f9a76244c" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_90aa6fd6897c427c84d2505e3a" ON "chain_event" ("contract")`)
    await query.query(`CREATE INDEX "IDX_34f921324309fc2b8dcb04588a" ON "chain_event" ("name")`)
    await query.query(`CREATE INDEX "IDX_331788869cfb73cb2ef4b9e454" ON "chain_event" ("transaction_hash")`)
    await query.query(`CREATE INDEX "chain_event_to" ON "chain_event" ("to_block")`)
    await query.query(`CREATE INDEX "chain_event_from" ON "chain_event" ("from_block")`)
    await query.query(
      `CREATE TABLE "cursor" ("id" text NOT NULL, "block" bigint NOT NULL, "hash" text NOT NULL, "final_block" bigint NOT NULL, "head_block" bigint NOT NULL, "contracts" jsonb NOT NULL, "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_a1265c8020c766d4a0538126003" PRIMARY KEY ("id"))`,
    )
    await query.query(
      `CREATE TABLE "dispute" ("id" text NOT NULL, "subject" text NOT NULL, "subject_id" text NOT NULL, "challenger" text NOT NULL, "bond" numeric(78,0) NOT NULL, "evidence_hash" text NOT NULL, "outcome" text NOT NULL, "slashed" numeric(78,0) NOT NULL, "opened_at" TIMESTAMP WITH TIME ZONE NOT NULL, "resolved_at" TIMESTAMP WITH TIME ZONE, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_75e6c0a4da1fdd23fc5fb5156bd" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_4e19ebe1dc3f9d595bf60934a3" ON "dispute" ("subject_id")`)
    await query.query(`CREATE INDEX "IDX_2892ce3b0089d1305a48243b8a" ON "dispute" ("challenger")`)
    await query.query(`CREATE INDEX "dispute_to" ON "dispute" ("to_block")`)
    await query.query(`CREATE INDEX "dispute_from" ON "dispute" ("from_block")`)
    await query.query(
      `CREATE TABLE "slash" ("id" text NOT NULL, "account" text NOT NULL, "role" text NOT NULL, "amount" numeric(78,0) NOT NULL, "evidence_hash" text NOT NULL, "at" TIMESTAMP WITH TIME ZONE NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_96c0e27213e88ee730e6ae3967c" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_e493676d4c4330efcff929a113" ON "slash" ("account")`)
    await query.query(`CREATE INDEX "slash_to" ON "slash" ("to_block")`)
    await query.query(`CREATE INDEX "slash_from" ON "slash" ("from_block")`)
    await query.query(
      `CREATE TABLE "feedback_task" ("id" text NOT NULL, "model_id" text NOT NULL, "version_id" text NOT NULL, "domain" text NOT NULL, "item_hash" text NOT NULL, "pot" numeric(78,0) NOT NULL, "paid" numeric(78,0) NOT NULL, "commit_deadline" TIMESTAMP WITH TIME ZONE NOT NULL, "reveal_deadline" TIMESTAMP WITH TIME ZONE NOT NULL, "settled" boolean NOT NULL, "evidence_hash" text, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_09550719951e99aa9ab85932379" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_6af19256201b9086c60f9789dd" ON "feedback_task" ("model_id")`)
    await query.query(`CREATE INDEX "IDX_1bd15079d1e6c387c69c301c04" ON "feedback_task" ("version_id")`)
    await query.query(`CREATE INDEX "feedback_task_to" ON "feedback_task" ("to_block")`)
    await query.query(`CREATE INDEX "feedback_task_from" ON "feedback_task" ("from_block")`)
    await query.query(
      `CREATE TABLE "judgement" ("id" text NOT NULL, "task_id" text NOT NULL, "validator" text NOT NULL, "commitment" text NOT NULL, "choice" integer, "ethics" integer, "logic" integer, "functional" integer, "confidence" integer, "score" integer, "reward" numeric(78,0) NOT NULL, "penalty" numeric(78,0) NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_6b6e25e637e165a3549c7d1b97a" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_b3f2ea80c2239ab37ef53d515a" ON "judgement" ("task_id")`)
    await query.query(`CREATE INDEX "IDX_32372ef8a7be0f0311398f7056" ON "judgement" ("validator")`)
    await query.query(`CREATE INDEX "judgement_to" ON "judgement" ("to_block")`)
    await query.query(`CREATE INDEX "judgement_from" ON "judgement" ("from_block")`)
    await query.query(
      `CREATE TABLE "validator" ("id" text NOT NULL, "stake" numeric(78,0) NOT NULL, "earned" numeric(78,0) NOT NULL, "withdrawn" numeric(78,0) NOT NULL, "lost" numeric(78,0) NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_74ad3e78a894880536d18ea21c5" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "validator_to" ON "validator" ("to_block")`)
    await query.query(`CREATE INDEX "validator_from" ON "validator" ("from_block")`)
    await query.query(
      `CREATE TABLE "reputation" ("id" text NOT NULL, "validator" text NOT NULL, "domain" text NOT NULL, "value" integer NOT NULL, "tier" integer NOT NULL, "from_block" bigint NOT NULL, "to_block" bigint, CONSTRAINT "PK_0ef37f91952f47cf091a127973e" PRIMARY KEY ("id", "from_block"))`,
    )
    await query.query(`CREATE INDEX "IDX_1400f07fb74b6ca2472d8e446f" ON "reputation" ("validator")`)
    await query.query(`CREATE INDEX "reputation_to" ON "reputation" ("to_block")`)
    await query.query(`CREATE INDEX "reputation_from" ON "reputation" ("from_block")`)
  }
}
