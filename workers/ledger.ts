import type { Deployment } from '#contracts/deploy.ts'
import { type LedgerFact, postings } from '#rules/ledger.ts'
import { tryTransactionLock } from '#schema/advisoryLocks.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database, Sql } from '#schema/database.ts'
import { getDocument, type RewardMapDocument, rewardMapDocument } from '#schema/documents.ts'
import { LedgerTransfer } from '#schema/offchain/ledger.ts'
import { ChainEvent, Cursor } from '#schema/onchain/chain.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { row, rowOf, rowsOf, saveRows } from '#schema/rows.ts'

/** Posts the double-entry ledger (rule 9) from final events only, so that a reorganisation never changes it. Any worker may call it at any
 *  time: an advisory lock lets one at a time post, each fact once, in the order of the chain. */

interface LedgerSources {
  db: Database
  artifacts: Pick<ArtifactStore, 'get'>
  deployment: Pick<Deployment, 'chainId' | 'addresses'>
}

const TRANSFER_EVENTS = ['CreditDeposited', 'CreditWithdrawn', 'Redeemed', 'EpochFunded', 'RewardClaimed']

/** Returns the number of transfers that were added. */
export function postLedger(sources: LedgerSources): Promise<number> {
  return sources.db.transaction(async (sql) => {
    if (!(await tryTransactionLock(sql, 'ledger'))) return 0
    const cursor = await rowOf(sql, Cursor, String(sources.deployment.chainId))
    if (!cursor) return 0
    const posted = await sql.query(`select coalesce(max(event), '') as last from ledger_transfer`)
    const events = await rowsOf(
      sql,
      ChainEvent,
      'name = any($1) and from_block <= $2 and id > $3',
      [TRANSFER_EVENTS, cursor.finalBlock, posted.rows[0].last],
      {
        orderBy: 'id',
      },
    )
    let added = 0
    for (const event of events) {
      if (event.name === 'RewardClaimed') added += await postMaps(sql, sources, event)
      const fact = factOf(sources, event)
      if (fact) added += await post(sql, fact, event)
    }
    return added
  })
}

function factOf({ deployment }: LedgerSources, { id, name, args }: ChainEvent): LedgerFact | undefined {
  const text = (key: string) => String(args[key])
  const is = (key: string, contract: 'InferenceMarket' | 'Treasury') =>
    text(key) === deployment.addresses[contract].toLowerCase()
  const amount = BigInt(text('amount'))
  switch (name) {
    case 'CreditDeposited':
      return { kind: 'deposit', id, consumer: text('consumer'), amount }
    case 'CreditWithdrawn':
      return { kind: 'withdraw', id, consumer: text('consumer'), amount }
    case 'Redeemed':
      return { kind: 'redeem', id, consumer: text('consumer'), epoch: BigInt(text('epoch')), amount }
    case 'EpochFunded': // the fees that the market forwards are posted by its own events
      return is('from', 'InferenceMarket') ? undefined : { kind: 'fund', id, epoch: BigInt(text('epoch')), amount }
    default:
      return is('account', 'Treasury') ? undefined : { kind: 'claim', id, account: text('account'), amount }
  }
}

/** Posts the maps that were final at the event `before`, a claim: the contract accepts claims by the newest final map only. */
async function postMaps(sql: Sql, { artifacts, deployment }: LedgerSources, before: ChainEvent): Promise<number> {
  const maps = await rowsOf(
    sql,
    RewardMap,
    `status = 'Published' and uri is not null and not exists (select 1 from ledger_transfer where id like 'rewardMap/' || epoch || '/%')`,
    [],
    {
      orderBy: 'epoch',
    },
  )
  let added = 0
  for (const map of maps) {
    if (map.epoch > Number(before.args.epoch)) break
    const document = await getDocument(artifacts, rewardMapDocument, map.uri as string)
    const previous = map.epoch > 1 ? await publishedMap(sql, artifacts, map.epoch - 1) : undefined
    added += await post(
      sql,
      mapFact(document, previous, deployment.addresses.Treasury.toLowerCase(), await escrowOf(sql, map.epoch)),
      before,
    )
  }
  return added
}

async function publishedMap(
  sql: Sql,
  artifacts: LedgerSources['artifacts'],
  epoch: number,
): Promise<RewardMapDocument> {
  const row = await rowOf(sql, RewardMap, String(epoch))
  return getDocument(artifacts, rewardMapDocument, row?.uri ?? '')
}

function mapFact(
  map: RewardMapDocument,
  previous: RewardMapDocument | undefined,
  treasury: string,
  escrow: bigint,
): LedgerFact {
  const before = new Map((previous?.leaves ?? []).map((leaf) => [leaf.account, BigInt(leaf.cumulative)]))
  const rises = map.leaves.map(({ account, cumulative }) => ({
    account,
    amount: BigInt(cumulative) - (before.get(account) ?? 0n),
  }))
  return {
    kind: 'rewardMap',
    epoch: BigInt(map.epoch),
    escrow,
    treasury: rises.find((one) => one.account === treasury)?.amount ?? 0n,
    changes: rises.filter((one) => one.account !== treasury && one.amount !== 0n),
  }
}

async function escrowOf(sql: Sql, epoch: number): Promise<bigint> {
  const { rows } = await sql.query(
    `select coalesce(sum(case when credit = $1 then amount else -amount end), 0) as balance from ledger_transfer where credit = $1 or debit = $1`,
    [`escrow:${epoch}`],
  )
  return rows[0].balance
}

async function post(sql: Sql, fact: LedgerFact, event: ChainEvent): Promise<number> {
  const transfers = postings(fact)
  await saveRows(
    sql,
    transfers.map(({ id, from, to, amount }) =>
      row(LedgerTransfer, {
        id,
        debit: from,
        credit: to,
        amount,
        event: event.id,
        reason: fact.kind,
        at: event.timestamp,
      }),
    ),
  )
  return transfers.length
}
