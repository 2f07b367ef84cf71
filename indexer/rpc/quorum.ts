import { createHash } from 'node:crypto'
import { IndexerError } from '../errors.ts'
import { type Rpc, type RpcCall, redactedUrl } from './rpc.ts'

/** Cross-checks of endpoints: whether they report the same about some blocks. An endpoint that lags or refuses has no vote; where two
 *  differ, the majority decides. */

/** Endpoints that can be asked one by one whether they report the same. */
export interface Quorum extends Rpc {
  /** A batch, and the endpoint that answered it. */
  batchBy(calls: readonly RpcCall[]): Promise<{ by: Rpc; answers: unknown[] }>
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

/** The endpoints as one, and those that have answered it: what they told, they cannot witness. */
export function rememberingAuthors(quorum: Quorum): { rpc: Rpc; authors: ReadonlySet<Rpc> } {
  const authors = new Set<Rpc>()
  const batch = async (calls: readonly RpcCall[]) => {
    const { by, answers } = await quorum.batchBy(calls)
    authors.add(by)
    return answers
  }
  const request = async (method: string, params: readonly unknown[] = []) => (await batch([{ method, params }]))[0]
  return { rpc: { url: quorum.url, batch, request }, authors }
}

export interface CrossCheck {
  verdict: 'agreed' | 'outvoted' | 'undecided'
  /** The endpoints that could not vote, each with the reason. */
  withoutVote: string[]
}

/** Compares `own`, which the endpoints `authors` told, with what the others report. Where two differ, all are asked and the majority decides:
 *  `outvoted` means that the authors were in the minority and will not be used for a while, `undecided` that no other endpoint could answer.
 *  @throws IndexerError when there is no majority. */
export async function crossCheck(
  quorum: Quorum,
  own: BlockDigest & { authors: ReadonlySet<Rpc> },
  about: string,
  ask: (rpc: Rpc) => Promise<BlockDigest | undefined>,
  onDisagreement: (about: string, reports: string[]) => void,
): Promise<CrossCheck> {
  const urls = (rpcs: Iterable<Rpc>) => [...rpcs].map(({ url }) => redactedUrl(url)).join(', ')
  const withoutVote: string[] = []
  const reports: (BlockDigest & { authors: ReadonlySet<Rpc> })[] = [own]
  for (const rpc of quorum.healthy()) {
    if (own.authors.has(rpc)) continue
    const other = await ask(rpc).catch((error: Error) => error)
    if (other === undefined || other instanceof Error) {
      withoutVote.push(`${urls([rpc])}: ${other?.message ?? 'it lags behind'}`)
      continue
    }
    reports.push({ ...other, authors: new Set([rpc]) })
    if (reports.length === 2 && other.digest === own.digest) return { verdict: 'agreed', withoutVote }
  }
  if (reports.length === 1) return { verdict: 'undecided', withoutVote }
  const shown = reports.map(({ authors, shown }) => `${urls(authors)}: ${shown}`)
  onDisagreement(about, shown)
  const votes = new Map<string, number>()
  for (const { digest } of reports) votes.set(digest, (votes.get(digest) ?? 0) + 1)
  const majority = [...votes].find(([, count]) => count * 2 > reports.length)?.[0]
  if (majority === undefined) {
    throw new IndexerError(
      `The RPC endpoints disagree about ${about} (${shown.join('; ')}). Remove the wrong one from RPC_URL, or add another so that a majority decides.`,
    )
  }
  for (const { authors, digest } of reports) if (digest !== majority) for (const rpc of authors) quorum.distrust(rpc)
  return { verdict: own.digest === majority ? 'agreed' : 'outvoted', withoutVote }
}
