import type { Database } from '#schema/database.ts'
import { addEarnings } from '#schema/earnings.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { Block, Cursor } from '#schema/onchain/chain.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { FeedbackTask, Judgement, Validator } from '#schema/onchain/feedback.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Evaluation, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { backfillTotals } from '#schema/totals.ts'
import { accountSql as account, fillTable as fill, TIME_SQL as time } from '../fillTable.ts'
import { generateGovernance } from './governance.ts'

/** A generated market. Every row is a function of its number, so the rows are the same in every run. */

export const GENERATED_CHAIN_ID = 31337
/** `BENCH_ROWS` makes the market smaller; it is a multiple of 20,000. */
export const CONTRIBUTIONS = Number(process.env.BENCH_ROWS ?? 1_000_000)
/** Accounts that contribute, hold and vote. */
const ACCOUNTS = 100_000
const BLOCKS = 20_000
const MODELS = 200
/** Number of versions of each model, each the parent of the next. */
const LINE = 10
const VERSIONS = MODELS * LINE
const DATANETS = 500
const VALIDATORS = 300
const EPOCHS = 20
const LINES = 200_000
const MAP = `((n - 1) / ${LINES / EPOCHS} + 1)`
/** All versions together have as many influences as there are contributions. */
export const INFLUENCES = CONTRIBUTIONS

/** Writes all rows. */
export async function generateMarket(db: Database): Promise<void> {
  await fill(db, Block, BLOCKS, {
    id: 'n::text',
    number: 'n',
    timestamp: `timestamptz '2026-01-01' + n * interval '12 seconds'`,
    final: `n <= ${BLOCKS - 64}`,
  })
  await fill(db, Cursor, 1, {
    id: `'${GENERATED_CHAIN_ID}'`,
    block: `${BLOCKS}`,
    finalBlock: `${BLOCKS - 64}`,
    headBlock: `${BLOCKS}`,
    hash: `(select hash from block where number = ${BLOCKS})`,
  })
  await generateGovernance(db, MODELS, ACCOUNTS)
  await fill(db, Model, MODELS, { proposalId: 'n::text', proposer: account('n % 50') })
  await fill(db, ModelVersion, VERSIONS, {
    modelId: `((n - 1) / ${LINE} + 1)::text`,
    parentId: `case when n % ${LINE} = 1 then null else (n - 1)::text end`,
    method: `(array['sft', 'rloo', 'dpo'])[n % 3 + 1]`,
  })
  await fill(db, Datanet, DATANETS, { modelId: `(n % ${MODELS} + 1)::text`, owner: account('n % 90') })
  await fill(db, Contribution, CONTRIBUTIONS, {
    datanetId: `(n::bigint * 7919 % ${DATANETS} + 1)::text`,
    contributor: account(`n % ${ACCOUNTS}`),
    committedBlock: `(n - 1) / ${CONTRIBUTIONS / BLOCKS}`,
    stake: `1e16::numeric`,
    status: `(array['Accepted', 'Accepted', 'Accepted', 'Rejected'])[n % 4 + 1]`,
    quality: `(n::bigint * 104729 % 1000000)::integer`,
    uniqueness: `(n::bigint * 15485863 % 1000000)::integer`,
    submittedAt: time,
    fromBlock: `(n - 1) / ${CONTRIBUTIONS / BLOCKS} + 1`,
  })
  await fill(db, VersionInfluence, INFLUENCES, {
    id: `(n % ${VERSIONS} + 1) || '-' || n`,
    versionId: `(n % ${VERSIONS} + 1)::text`,
    contributionId: 'n::text',
    influence: `(n::bigint * 31337 % 2000003)::float8 / 1e6 - 1`,
    weight: `(n::bigint * 7907 % 1000000)::integer`,
  })
  await fill(db, Evaluation, VERSIONS * 5, {
    versionId: `(n % ${VERSIONS} + 1)::text`,
    metric: `'metric' || n % 5`,
    score: `n * 31 % 1000000`,
  })
  await fill(db, Endpoint, VERSIONS, { versionId: 'n::text', url: `'https://host' || n || '.example'` })
  await fill(db, FeedbackTask, VERSIONS, { modelId: `((n - 1) / ${LINE} + 1)::text`, versionId: 'n::text' })
  await fill(db, Judgement, VERSIONS * 9, {
    id: `(n % ${VERSIONS} + 1) || '-' || ${account('n')}`,
    taskId: `(n % ${VERSIONS} + 1)::text`,
    validator: account(`n % ${VALIDATORS}`),
    score: `n * 37 % 1000000`,
  })
  await fill(db, Validator, VALIDATORS, { id: account('n - 1') })
  await fill(db, JobRun, VERSIONS * 10, {
    id: `'job' || n`,
    kind: `(array['fineTune', 'rlhf', 'evaluate', 'infer', 'infer', 'infer', 'infer', 'infer', 'infer', 'infer'])[n % 10 + 1]`,
    idempotencyKey: 'n::text',
    result: `jsonb_build_object('versionId', (n / 10 + 1)::text)`,
    status: `'Succeeded'`,
  })
  await fill(db, RewardMap, EPOCHS, { status: `'Published'`, epoch: 'n' })
  await fill(db, RewardLine, LINES, {
    mapId: `${MAP}::text`,
    id: `${MAP} || '-' || n`,
    account: account('n % 5000'),
    role: `case n % 2 when 0 then 'owner' else 'data' end`,
    source: `case n % 2 when 0 then 'version:' || (n / 2 % ${VERSIONS} + 1) else 'contribution:' || n end`,
    inputs: `case n % 2 when 0 then '{}'::jsonb else jsonb_build_object('versionId', (n / 2 % ${VERSIONS} + 1)::text) end`,
    amount: `(n * 7919 % 100003)::numeric * 1e12::numeric`,
  })
  await backfillTotals(db)
  for (let epoch = 1; epoch <= EPOCHS; epoch++) await addEarnings(db, epoch)
  await db.query('vacuum analyze')
}
