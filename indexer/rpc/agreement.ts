import { createHash } from 'node:crypto'
import { IndexerError } from '../errors.ts'
import type { Panel } from './endpoints.ts'
import { type Rpc, shownUrl } from './rpc.ts'

/** Whether the endpoints of a chain say the same about some blocks. One that lags or refuses has said nothing; one that says
 *  otherwise is outvoted, or nobody is believed. */

/** What an endpoint says: anything that is equal exactly when the facts are, and how to tell a person. */
export interface Testimony {
  facts: string
  shown: string
}

/** Logs as a testimony: where each stands and what it says. */
export function testimonyOf(
  hash: string,
  logs: readonly {
    address: string
    index: number
    block: number
    transactionHash: string
    topics: string[]
    data: string
  }[],
): Testimony {
  const digest = createHash('sha256')
  for (const { block, index, transactionHash, address, topics, data } of logs)
    digest.update(`${block} ${index} ${transactionHash} ${address} ${topics.join(',')} ${data}\n`)
  return { facts: `${hash} ${digest.digest('hex')}`, shown: `${logs.length} logs up to ${hash.slice(0, 10)}…` }
}

export type Verdict = 'agreed' | 'outvoted' | 'undecided'

/** Asks the others what `own` says. Where two differ, all are asked and the majority is believed: `outvoted` means that it was not
 *  ours, and that its endpoint will not be asked for a while. @throws IndexerError when nobody has a majority. */
export async function agree(
  panel: Panel,
  own: Testimony,
  about: string,
  ask: (rpc: Rpc) => Promise<Testimony | undefined>,
  disagreed: () => void,
): Promise<Verdict> {
  const [first, ...others] = panel.voices()
  const said = new Map<Rpc, Testimony>([[first!, own]])
  for (const rpc of others) {
    const other = await ask(rpc).catch(() => undefined) // who cannot answer is no witness
    if (!other) continue
    said.set(rpc, other)
    if (said.size === 2 && other.facts === own.facts) return 'agreed'
  }
  if (said.size === 1) return 'undecided'
  disagreed()
  const counts = new Map<string, number>()
  for (const { facts } of said.values()) counts.set(facts, (counts.get(facts) ?? 0) + 1)
  const [facts, votes] = [...counts].sort((a, b) => b[1] - a[1])[0]!
  if (votes * 2 <= said.size) {
    const shown = [...said].map(([rpc, { shown }]) => `${shownUrl(rpc.url)}: ${shown}`)
    throw new IndexerError(
      `The RPC endpoints disagree about ${about} (${shown.join('; ')}). Remove the wrong one from RPC_URL, or name another so that a majority decides.`,
    )
  }
  for (const [rpc, testimony] of said) if (testimony.facts !== facts) panel.distrust(rpc)
  return own.facts === facts ? 'agreed' : 'outvoted'
}
