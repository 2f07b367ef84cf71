import type { Logger } from 'pino'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import { type Database, databaseTime } from '#schema/database.ts'
import { RetriableError } from '#schema/errors.ts'
import { HostUsage } from '#schema/offchain/usage.ts'
import { row, saveRows } from '#schema/rows.ts'
import type { SignedUsage } from '#schema/usageDocument.ts'
import type { ChainClient } from '../chain.ts'
import { untracedOf } from './attributions.ts'
import { assignReceipts } from './epochReceipts.ts'
import { secondsSince } from './secondsSince.ts'
import { signedUsage } from './usage.ts'

/** The publisher's API did not take a usage document. */
export class OfferError extends RetriableError {
  override name = 'OfferError'
}

export interface UsageOffers {
  db: Database
  artifacts: Pick<ArtifactStore, 'put'>
  chain: Pick<ChainClient, 'account' | 'signUsage' | 'client' | 'now'>
  log: Pick<Logger, 'info' | 'warn'>
  /** The GraphQL endpoint of whoever publishes reward maps. */
  publisherUrl: string
  /** How long publishers wait for documents after the epoch's last block. */
  usageWaitSeconds: number
}

/** Offers the usage documents of the workers' account, which hosts endpoints and publishes no maps, to the publisher: one for each epoch that is over, that
 *  has fees of the account, and whose opened answers are traced, or for which half of the publisher's time is over: then with those that are traced, so that an
 *  answer which cannot be traced costs no other its place. What was taken is not offered again. */
export async function offerUsage(offers: UsageOffers): Promise<void> {
  const { db, artifacts, chain, log } = offers
  for (const { epoch, lastBlock } of await dueEpochs(offers)) {
    await assignReceipts(db, epoch)
    const { waiting } = await untracedOf(db, epoch, chain.account)
    if (waiting > 0 && (await secondsSince(chain, lastBlock)) < offers.usageWaitSeconds / 2) continue
    const usage = await signedUsage({ db, chain, store: artifacts, log }, epoch)
    await send(offers, epoch, usage)
    const id = `${epoch}-${chain.account}`
    const offeredAt = await databaseTime(db)
    await saveRows(db, [row(HostUsage, { id, epoch, host: chain.account, ...usage, offeredAt })])
    log.info({ epoch, document: usage.document }, 'the publisher has taken the usage document')
  }
}

async function dueEpochs({ db, chain }: UsageOffers): Promise<{ epoch: number; lastBlock: number }[]> {
  const { rows } = await db.query<{ epoch: number; lastBlock: number }>(
    `select map.epoch, map.last_block as "lastBlock" from reward_map map, cursor
     where map.to_block is null and map.status <> 'Published' and map.last_block <= cursor.final_block
       and exists (select 1 from redemption r join endpoint e on e.id = r.endpoint_id and e.to_block is null
         where r.epoch = map.epoch and r.to_block is null and e.host = $1)
       and not exists (select 1 from host_usage u where u.epoch = map.epoch and u.host = $1)
     order by map.epoch`,
    [chain.account],
  )
  return rows
}

const OFFER = `mutation Offer($epoch: Int!, $document: ID!, $signature: String!, $key: String!) {
  offerUsage(epoch: $epoch, document: $document, signature: $signature, idempotencyKey: $key) { id } }`
const TIMEOUT_MS = 10_000

/** @throws OfferError with the publisher's reason */
async function send({ publisherUrl }: UsageOffers, epoch: number, usage: SignedUsage): Promise<void> {
  const variables = { epoch, ...usage, key: usage.document }
  const answer = await fetch(publisherUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: OFFER, variables }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
    .then((response) => response.json() as Promise<{ data?: unknown; errors?: { message: string }[] }>)
    .catch((cause) => {
      throw new OfferError('PUBLISHER_URL: no GraphQL endpoint answers there. Correct it, or wait until it is back.', {
        cause,
      })
    })
  if (answer.errors?.[0] || !answer.data)
    throw new OfferError(
      `PUBLISHER_URL: the usage document of epoch ${epoch} was not taken: ${answer.errors?.[0]?.message}`,
    )
}
