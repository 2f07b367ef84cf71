import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createPublicClient, http } from 'viem'
import { compareIndexes, databaseIndex } from '#cli/compareIndexes.ts'
import { withFreshIndex } from '#cli/freshIndex.ts'
import { openArtifacts } from '#cli/openArtifacts.ts'
import { rpc } from '#contracts/anvil.ts'
import { checkEpoch } from '#epochs/checkEpoch.ts'
import { blockHashes } from '#epochs/epochSources.ts'
import { type Books, bookDifferences, readBooks } from './books.ts'
import type { Installation } from './installation.ts'
import { waitFor } from './serviceProcess.ts'

interface MoneySources {
  db: Installation['db']
  servers: Pick<Installation['servers'], 'rpcUrl' | 'deployment'>
}

/** The time within which a system without faults must be ready and have no more work. */
export const RECOVERY_MS = 90_000
/** Blocks that make everything final. */
const FINAL_BLOCKS = '0x8'

/** Waits until the system has nothing more to do and its books equal those of the undisturbed run.
 *  Tables in `except` may differ. @returns what differs, and whatever else is wrong. */
export async function judge(
  installation: Installation,
  expected: Books,
  except: readonly string[] = [],
): Promise<string[]> {
  const { db, servers } = installation
  const found = await recovers(installation)
  await rpc(servers.rpcUrl, 'anvil_mine', [FINAL_BLOCKS])
  let differences: string[] = []
  const equal = async () => {
    differences = bookDifferences(expected, await readBooks(db), except)
    return differences.length === 0
  }
  await waitFor('The books are those of the undisturbed run', RECOVERY_MS, equal).catch(() => {})
  found.push(...differences)
  found.push(...(await moneyFaults(installation)))
  let left: string[] = []
  const tidy = async () => {
    left = await leftovers(installation)
    return left.length === 0
  }
  await waitFor('Nothing is left behind', RECOVERY_MS, tidy).catch(() => {})
  found.push(...left)
  found.push(...(await rootFaults(installation)))
  return found
}

/** The books of a run without faults, once everything is posted. */
export async function settledBooks(installation: Installation): Promise<Books> {
  const { db, servers } = installation
  const found = await recovers(installation)
  if (found.length) throw new Error(`The undisturbed run did not end: ${found.join('; ')}`)
  await rpc(servers.rpcUrl, 'anvil_mine', [FINAL_BLOCKS])
  await untilClaimsPosted(db)
  return readBooks(db)
}

/** Waits until every claim is posted, and with it all that was before it; at least one claim in each of the first `epochs`. */
export async function untilClaimsPosted(db: Installation['db'], epochs = 1): Promise<void> {
  const unposted = `select (select count(*) from reward_claim where to_block is null) as claims,
    (select count(distinct map_id) from reward_claim where to_block is null) as epochs,
    (select count(distinct event) from ledger_transfer where reason = 'claim') as posted`
  await waitFor('Every claim is posted', RECOVERY_MS, async () => {
    const { claims, posted, epochs: claimed } = (await db.query(unposted)).rows[0]
    return claims > 0 && claims === posted && Number(claimed) >= epochs
  })
}

/** Waits until every API says that it is ready, and no job is open. */
async function recovers({ apiUrls, db }: Installation): Promise<string[]> {
  const found: string[] = []
  const ready = async (url: string) => {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) }).catch(() => undefined)
    return response?.ok === true
  }
  for (const url of apiUrls)
    await waitFor(`${url} is ready again`, RECOVERY_MS, () => ready(url)).catch((error: Error) =>
      found.push(error.message),
    )
  const open = `select kind, status from job_run where status not in ('Succeeded', 'Failed', 'Cancelled')`
  await waitFor('No job is open', RECOVERY_MS, async () => (await db.query(open)).rowCount === 0).catch(async () => {
    for (const { kind, status } of (await db.query(open)).rows) found.push(`a job of kind ${kind} is still ${status}`)
  })
  return found
}

/** The sums that no comparison is needed for. */
export async function moneyFaults({ db, servers }: MoneySources): Promise<string[]> {
  const one = async (question: string) => BigInt((await db.query(question)).rows[0]?.sum ?? 0)
  const fees = await one('select sum(amount) from redemption where to_block is null')
  const receipts = await one('select sum(fee) from receipt where epoch is not null')
  const spent = await one('select sum(redeemed) as sum from payment_channel where to_block is null')
  const paid = await one('select sum(amount) from reward_claim where to_block is null')
  const payable = (await one('select sum(total) from reward_map where to_block is null')) - paid
  const { GOpen, RewardDistributor } = servers.deployment.addresses
  const balanceOf = `0x70a08231${RewardDistributor.slice(2).padStart(64, '0')}`
  const held = BigInt(String(await rpc(servers.rpcUrl, 'eth_call', [{ to: GOpen, data: balanceOf }, 'latest'])))
  const carried = held - payable
  const found: string[] = []
  if (fees !== receipts) found.push(`fees redeemed on chain ${fees}, fees of the receipts ${receipts}`)
  if (spent !== receipts) found.push(`redeemed from channels ${spent}, fees of the receipts ${receipts}`)
  if (carried < 0n || fees !== paid + payable + carried)
    found.push(`fees ${fees} are not paid ${paid} + payable ${payable} + carried ${carried}`)
  return found
}

/** Checkpoints and unfinished files. */
async function leftovers({ hosts, servers }: Installation): Promise<string[]> {
  const files = async (folder: string) => readdir(folder, { recursive: true }).catch(() => [])
  const found: string[] = []
  for (const { name, home } of hosts) {
    for (const one of await readdir(join(home, 'checkpoints')).catch(() => []))
      found.push(`checkpoint of ${one} on host ${name}`)
    for (const one of await files(home))
      if (/\.(part|tmp)$/.test(one)) found.push(`unfinished file ${one} on host ${name}`)
  }
  for (const one of await files(servers.s3.folder)) if (/\.part$/.test(one)) found.push(`unfinished object ${one}`)
  return found
}

/** The index and the epoch, computed again from the chain and the artifacts alone. */
async function rootFaults({ db, servers }: Installation): Promise<string[]> {
  const { rpcUrl, deployment, s3 } = servers
  const { rows } = await db.query('select id, contracts, block from cursor')
  const { id, contracts, block } = rows[0]
  return withFreshIndex({ rpcUrl, deployment }, block, async (fresh) => {
    const found: string[] = []
    const { difference } = await compareIndexes(db, Number(id), contracts, databaseIndex(fresh, Number(id), contracts))
    if (difference)
      found.push(
        `the index differs from a clean one at block ${difference.block}, ${difference.table}: ${difference.says}`,
      )
    const artifacts = await openArtifacts({ s3, artifacts: '' })
    const blockHash = blockHashes(createPublicClient({ transport: http(rpcUrl) }))
    const map = await checkEpoch({ sql: fresh, artifacts, deployment, blockHash }, 1)
    if (map.difference) {
      const { place, published, recomputed } = map.difference
      found.push(`epoch 1 is published with another ${place} than it has: ${published} instead of ${recomputed}`)
    }
    return found
  })
}
