import { hostsWithFees } from '#epochs/hostsWithFees.ts'
import { ArtifactError, ArtifactStoreError } from '#schema/artifacts/index.ts'
import { parseDocument } from '#schema/documents.ts'
import { HostUsage } from '#schema/offchain/usage.ts'
import { rowsOf } from '#schema/rows.ts'
import {
  MAX_ALL_USAGE_BYTES,
  MAX_USAGE_BYTES,
  MAX_USAGE_DOCUMENTS,
  openedUsage,
  type SignedUsage,
} from '#schema/usageDocument.ts'
import { LOCAL_CHAIN_IDS } from '../chain.ts'
import { storeAs } from '../dependencies.ts'
import { type JobContext, PendingError } from '../job.ts'
import { secondsSince } from './secondsSince.ts'
import { signedUsage } from './usage.ts'

type Job = JobContext<'settleEpoch'>

/** The usage documents that the map of an epoch bundles: the workers' own, and those that other hosts with fees have offered and that can be read, as many as
 *  a map may have. What cannot be read is left out, so that no host stops an epoch: its answers' part then goes by version weight. */
export async function bundledUsage(job: Job): Promise<SignedUsage[]> {
  const { epoch } = job.input
  const { account } = job.chain
  const own = await signedUsage({ ...job, store: storeAs(job, 'usage') }, epoch)
  const offers = await rowsOf(job.db, HostUsage, 'epoch = $1', [epoch])
  const offered = new Map(offers.map((one) => [one.host, one]))
  const others = (await hostsWithFees(job.db, epoch)).flatMap((host) =>
    host === account ? [] : (offered.get(host) ?? []),
  )
  const bundled: SignedUsage[] = []
  let left = MAX_ALL_USAGE_BYTES
  for (const { document, signature, host } of [{ ...own, host: account }, ...others].slice(0, MAX_USAGE_DOCUMENTS)) {
    const read = await readUsage(job, { document, host }, Math.min(MAX_USAGE_BYTES, left))
    if (!read) continue
    left -= read.bytes
    if (read.receipts > 0) bundled.push({ document, signature })
  }
  return bundled
}

/** What a host's document has; undefined when it cannot be read. */
async function readUsage(
  job: Job,
  { document, host }: { document: string; host: string },
  maxBytes: number,
): Promise<{ bytes: number; receipts: number } | undefined> {
  try {
    const bytes = await job.artifacts.get(document, { maxBytes, signal: job.signal })
    const parsed = parseDocument(openedUsage, bytes)
    return { bytes: bytes.length, receipts: parsed.success ? parsed.data.receipts.length : 0 }
  } catch (error) {
    const isAway = error instanceof ArtifactStoreError
    if ((!isAway && !(error instanceof ArtifactError)) || host === job.chain.account) throw error
    job.log.warn(
      { host, document, err: error },
      'a host’s usage document cannot be read: its map is settled without it',
    )
    return undefined
  }
}

/** Waits until every host with fees in the epoch has offered its usage document, at most `seconds` after the epoch's last block by the chain's time.
 *  Development chains, whose time stands still, do not wait.
 *  @throws PendingError while one is missing */
export async function awaitUsage(job: Job, toBlock: number, seconds: number): Promise<void> {
  const { chain, db, input, log } = job
  if (seconds === 0 || LOCAL_CHAIN_IDS.includes(chain.chainId)) return
  const { epoch } = input
  const offered = await rowsOf(db, HostUsage, 'epoch = $1', [epoch])
  const known = new Set([chain.account, ...offered.map(({ host }) => host)])
  const hosts = (await hostsWithFees(db, epoch)).filter((host) => !known.has(host))
  if (hosts.length === 0) return
  if ((await secondsSince(chain, toBlock)) >= seconds) {
    log.warn({ epoch, hosts }, 'hosts have offered no usage document: the epoch is settled without theirs')
    return
  }
  throw new PendingError(
    `Epoch ${epoch} waits for the usage documents of ${hosts.join(', ')}, at most ${seconds} seconds after its last block.`,
  )
}
