import type { MigrationInterface, QueryRunner } from 'typeorm'

export class ListIndexes implements MigrationInterface {
  name = 'ListIndexes1700000000009'

  async up(query: QueryRunner) {
    await query.query(`DROP INDEX "public"."IDX_37d27d683ee802f153cde03a46"`)
    await query.query(`DROP INDEX "public"."IDX_819b1af71888be086399014d92"`)
    await query.query(`CREATE INDEX "proposal_governor_id_list" ON "proposal" ("governor_id", "id")`)
    await query.query(`CREATE INDEX "reconciliation_governor_id_list" ON "reconciliation" ("governor_id", "id")`)
    await query.query(`DROP INDEX "public"."IDX_db85a3f8526cbaa2865faf8637"`)
    await query.query(`DROP INDEX "public"."IDX_29cb10480e33f23db37d6b1e54"`)
    await query.query(`DROP INDEX "public"."IDX_3141dc81bd01e94f587a445af7"`)
    await query.query(`DROP INDEX "public"."IDX_f52c5f13de54f5d1baf20e7e58"`)
    await query.query(`DROP INDEX "public"."IDX_35e70a2d40d60f4a7f81783476"`)
    await query.query(`DROP INDEX "public"."IDX_64abb10557ef20b36794072ac4"`)
    await query.query(`DROP INDEX "public"."IDX_61354db2b18d0db521bba0b682"`)
    await query.query(`DROP INDEX "public"."IDX_959afe36ff1a069b7cfbdb65ec"`)
    await query.query(`DROP INDEX "public"."IDX_02de75b86d69e4e84c8e27981e"`)
    await query.query(`DROP INDEX "public"."IDX_2cd40c9c20986d6db493dd56ba"`)
    await query.query(`DROP INDEX "public"."IDX_2a34cccf7375068bb92226ec0e"`)
    await query.query(`DROP INDEX "public"."IDX_7c4097d24ff976593cf9d2ded7"`)
    await query.query(`DROP INDEX "public"."IDX_b42b7e6aeea05624f4b25eff7b"`)
    await query.query(`DROP INDEX "public"."IDX_3850cdea67d89dd5dc9c6a3d55"`)
    await query.query(`DROP INDEX "public"."IDX_8f3cf0e582f23aa2b28aa52665"`)
    await query.query(`DROP INDEX "public"."IDX_1a2ccaded5af244bdd4aa1da3e"`)
    await query.query(`DROP INDEX "public"."IDX_a48653cf82a873c0e9c2680caa"`)
    await query.query(`DROP INDEX "public"."IDX_250c190be12a25a9c436dcd8e8"`)
    await query.query(`DROP INDEX "public"."IDX_bb632dea3e86d87700bcb5ffc9"`)
    await query.query(`DROP INDEX "public"."IDX_af2aa4f697cf52b5400437dd19"`)
    await query.query(`DROP INDEX "public"."IDX_f7d7c234279fa767e8173f2c83"`)
    await query.query(`DROP INDEX "public"."IDX_c83e06677dce2b29c93608b300"`)
    await query.query(`DROP INDEX "public"."IDX_c68f00a59d613b8de06e77e4b3"`)
    await query.query(`DROP INDEX "public"."IDX_1796cf6849c312cca6c5723bee"`)
    await query.query(`DROP INDEX "public"."IDX_4585f8506b0afeb4fd1b441c9c"`)
    await query.query(`DROP INDEX "public"."IDX_99d7fbcd8e0a7510f180e8bcf4"`)
    await query.query(`DROP INDEX "public"."IDX_6af19256201b9086c60f9789dd"`)
    await query.query(`DROP INDEX "public"."IDX_1bd15079d1e6c387c69c301c04"`)
    await query.query(`DROP INDEX "public"."IDX_b3f2ea80c2239ab37ef53d515a"`)
    await query.query(`CREATE INDEX "vote_proposal_id_list" ON "vote" ("proposal_id", "id")`)
    await query.query(`CREATE INDEX "target_model_id_list" ON "target" ("model_id", "id")`)
    await query.query(`CREATE INDEX "budget_entry_model_id_list" ON "budget_entry" ("model_id", "id")`)
    await query.query(`CREATE INDEX "model_stake_model_id_list" ON "model_stake" ("model_id", "id")`)
    await query.query(`CREATE INDEX "voucher_endpoint_id_list" ON "voucher" ("endpoint_id", "id")`)
    await query.query(`CREATE INDEX "usage_settlement_endpoint_id_list" ON "usage_settlement" ("endpoint_id", "id")`)
    await query.query(`CREATE INDEX "signed_voucher_endpoint_id_list" ON "signed_voucher" ("endpoint_id", "id")`)
    await query.query(`CREATE INDEX "job_run_parent_id_list" ON "job_run" ("parent_id", "id")`)
    await query.query(`CREATE INDEX "job_metric_job_id_list" ON "job_metric" ("job_id", "id")`)
    await query.query(`CREATE INDEX "version_influence_version_id_list" ON "version_influence" ("version_id", "id")`)
    await query.query(
      `CREATE INDEX "version_influence_contribution_id_list" ON "version_influence" ("contribution_id", "id")`,
    )
    await query.query(`CREATE INDEX "receipt_endpoint_id_list" ON "receipt" ("endpoint_id", "id")`)
    await query.query(`CREATE INDEX "receipt_version_id_list" ON "receipt" ("version_id", "id")`)
    await query.query(`CREATE INDEX "answer_attribution_receipt_id_list" ON "answer_attribution" ("receipt_id", "id")`)
    await query.query(
      `CREATE INDEX "answer_attribution_contribution_id_list" ON "answer_attribution" ("contribution_id", "id")`,
    )
    await query.query(`CREATE INDEX "reward_claim_map_id_list" ON "reward_claim" ("map_id", "id")`)
    await query.query(`CREATE INDEX "reward_line_map_id_list" ON "reward_line" ("map_id", "id")`)
    await query.query(`CREATE INDEX "judgement_task_id_list" ON "judgement" ("task_id", "id")`)
    await query.query(`CREATE INDEX "model_order" ON "model" (length(id), id)`)
    await query.query(`CREATE INDEX "model_proposal_id_list" ON "model" ("proposal_id", length(id), id)`)
    await query.query(`CREATE INDEX "mandate_order" ON "mandate" (length(id), id)`)
    await query.query(`CREATE INDEX "mandate_model_id_list" ON "mandate" ("model_id", length(id), id)`)
    await query.query(`CREATE INDEX "reward_split_order" ON "reward_split" (length(id), id)`)
    await query.query(`CREATE INDEX "reward_split_model_id_list" ON "reward_split" ("model_id", length(id), id)`)
    await query.query(`CREATE INDEX "model_version_order" ON "model_version" (length(id), id)`)
    await query.query(`CREATE INDEX "model_version_model_id_list" ON "model_version" ("model_id", length(id), id)`)
    await query.query(`CREATE INDEX "model_version_parent_id_list" ON "model_version" ("parent_id", length(id), id)`)
    await query.query(`CREATE INDEX "evaluation_order" ON "evaluation" (length(id), id)`)
    await query.query(`CREATE INDEX "evaluation_version_id_list" ON "evaluation" ("version_id", length(id), id)`)
    await query.query(`CREATE INDEX "endpoint_order" ON "endpoint" (length(id), id)`)
    await query.query(`CREATE INDEX "endpoint_version_id_list" ON "endpoint" ("version_id", length(id), id)`)
    await query.query(`CREATE INDEX "datanet_order" ON "datanet" (length(id), id)`)
    await query.query(`CREATE INDEX "datanet_model_id_list" ON "datanet" ("model_id", length(id), id)`)
    await query.query(`CREATE INDEX "contribution_order" ON "contribution" (length(id), id)`)
    await query.query(`CREATE INDEX "contribution_datanet_id_list" ON "contribution" ("datanet_id", length(id), id)`)
    await query.query(
      `CREATE INDEX "job_run_version" ON "job_run" ((result->>'versionId')) WHERE kind in ('fineTune', 'rlhf')`,
    )
    await query.query(
      `CREATE INDEX "version_influence_weight" ON "version_influence" (version_id, weight desc nulls last, contribution_id)`,
    )
    await query.query(`CREATE INDEX "reward_map_order" ON "reward_map" (length(id), id)`)
    await query.query(`CREATE INDEX "reward_line_version" ON "reward_line" ((inputs->>'versionId'))`)
    await query.query(`CREATE INDEX "block_order" ON "block" (length(id), id)`)
    await query.query(`CREATE INDEX "dispute_order" ON "dispute" (length(id), id)`)
    await query.query(`CREATE INDEX "feedback_task_order" ON "feedback_task" (length(id), id)`)
    await query.query(`CREATE INDEX "feedback_task_model_id_list" ON "feedback_task" ("model_id", length(id), id)`)
    await query.query(`CREATE INDEX "IDX_87474aab6cfca68bc53b209c9c" ON "contribution" ("submitted_at")`)
    await query.query(`CREATE INDEX "IDX_41b6fcd0a1419539f0048fc107" ON "job_run" ("created_at")`)
    await query.query(`CREATE INDEX "feedback_task_version_id_list" ON "feedback_task" ("version_id", length(id), id)`)
  }

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
