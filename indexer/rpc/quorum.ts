import { createHash } from 'node:crypto'
import { IndexerError } from '../errors.ts'
import { type Rpc, redactedUrl } from './rpc.ts'

/** Cross-checks of endpoints: whether they report the same about some blocks. An endpoint that lags or refuses has no vote; where two
 *  differ, the majority decides. */

/** Endpoints that can be asked one by one whether they report the same. */
export interface Quorum {
  /** The endpoint that answers at present, then the others that are healthy. */
  healthy(): readonly Rpc[]
  /** Does not use an endpoint for a while, even if no other answers: the majority contradicted it. */
  distrust(rpc: Rpc): void
}

/** What an endpoint reports about some blocks. */
export interface BlockDigest {
  /** Equal exactly when the reports are. */
  digest: string
  /** For messages. */
  shown: string
}

/** The digest of a block hash and of the logs up to that block. */
export function digestOfLogs(
  hash: string,
  logs: readonly {
    address: string
    index: number
    block: number
    transactionHash: string
    topics: string[]
    data: string
  }[],
): BlockDigest {
  const sha = createHash('sha256')
  for (const { block, index, transactionHash, address, topics, data } of logs)
    sha.update(`${block} ${index} ${transactionHash} ${address} ${topics.join(',')} ${data}\n`)
  return { digest: `${hash} ${sha.digest('hex')}`, shown: `${logs.length} logs up to ${hash.slice(0, 10)}…` }
}

export type CrossCheck = 'agreed' | 'outvoted' | 'undecided'

/** Compares `own` with what the other endpoints report. Where two differ, all are asked and the majority decides: `outvoted` means
 *  that our endpoint was in the minority and will not be used for a while. @throws IndexerError when there is no majority. */
export async function crossCheck(
  quorum: Quorum,
  own: BlockDigest,
  about: string,
  ask: (rpc: Rpc) => Promise<BlockDigest | undefined>,
  onDisagreement: (about: string, reports: string[]) => void,
): Promise<CrossCheck> {
  const [first, ...others] = quorum.healthy()
  if (!first) return 'undecided'
  const reports = new Map<Rpc, BlockDigest>([[first, own]])
  for (const rpc of others) {
    const other = await ask(rpc).catch(() => undefined) // an endpoint that cannot answer has no vote
    if (!other) continue
    reports.set(rpc, other)
    if (reports.size === 2 && other.digest === own.digest) return 'agreed'
  }
  if (reports.size === 1) return 'undecided'
  const shown = [...reports].map(([rpc, { shown }]) => `${redactedUrl(rpc.url)}: ${shown}`)
  onDisagreement(about, shown)
  const votes = new Map<string, number>()
  for (const { digest } of reports.values()) votes.set(digest, (votes.get(digest) ?? 0) + 1)
  const majority = [...votes].find(([, count]) => count * 2 > reports.size)?.[0]
  if (majority === undefined) {
    throw new IndexerError(
      `The RPC endpoints disagree about ${about} (${shown.join('; ')}). Remove the wrong one from RPC_URL, or add another so that a majority decides.`,
    )
  }
  for (const [rpc, { digest }] of reports) if (digest !== majority) quorum.distrust(rpc)
  return own.digest === majority ? 'agreed' : 'outvoted'
}
