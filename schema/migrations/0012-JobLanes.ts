import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** Lanes, waiting, and indexes that stay small. Live jobs get the lane of their kind; ended ones keep the name under which they ran. A release
 *  before this one that still runs may insert more rows with the old names: their lane is read from the kind. */
export class JobLanes extends Migration {
  name = 'JobLanes1700000000012'
  override compatible = true

  async up(query: QueryRunner) {
    await query.query(`DROP INDEX "public"."IDX_d8cc00c662d8571c2e94f8e3a4"`)
    await query.query(`DROP INDEX "public"."IDX_86e3395b446462b2902e3a0531"`)
    await query.query(`DROP INDEX "public"."IDX_3c31430cdfbb19e248a29a7fd3"`)
    await query.query(`DROP INDEX "public"."IDX_ad576beef5e6a28b052ba9e3dc"`)
    await query.query(
      `CREATE TABLE "job_total" ("id" text NOT NULL, "kind" text NOT NULL, "status" text NOT NULL, "count" integer NOT NULL, "counted_until" TIMESTAMP WITH TIME ZONE NOT NULL, CONSTRAINT "PK_8d85b61757539d0dce0c9c860c0" PRIMARY KEY ("id"))`,
    )
    await query.query(`ALTER TABLE "job_run" ADD "priority" integer NOT NULL DEFAULT '0'`)
    await query.query(`ALTER TABLE "job_run" ADD "waits" integer NOT NULL DEFAULT '0'`)
    await query.query(`ALTER TABLE "job_run" ADD "retry_at" TIMESTAMP WITH TIME ZONE`)
    await query.query(`CREATE INDEX "job_run_ended" ON "job_run" (finished_at) WHERE finished_at is not null`)
    await query.query(
      `CREATE INDEX "job_run_failed" ON "job_run" (kind, finished_at) WHERE status in ('Failed', 'Cancelled')`,
    )
    await query.query(`CREATE INDEX "job_run_recent" ON "job_run" (kind, finished_at desc) WHERE status = 'Succeeded'`)
    await query.query(`CREATE INDEX "job_run_receipt" ON "job_run" ((input->>'receiptId')) WHERE kind = 'attribute'`)
    await query.query(
      `CREATE INDEX "job_run_consumer" ON "job_run" (lower(input->>'consumer')) WHERE kind = 'infer' and status in ('Queued', 'Running', 'Waiting')`,
    )
    await query.query(
      `CREATE INDEX "job_run_live" ON "job_run" (status, kind) WHERE status in ('Queued', 'Running', 'Waiting')`,
    )
    await query.query(`UPDATE "job_run" SET "queue" = CASE
      WHEN kind IN ('infer', 'attribute') THEN kind
      WHEN kind IN ('fineTune', 'rlhf', 'compare', 'evaluate') THEN 'training'
      ELSE 'chain' END
      WHERE status in ('Queued', 'Running')`)
  }
}
