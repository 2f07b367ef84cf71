import type { Hex } from 'viem'
import type { PreparedProposal } from '#model/proposePrepared.ts'

/** What was chosen to be proposed, with its documents, until this page is left. What an act keeps in the browser has their names alone: they may have some
 *  megabytes, and sealed items. */
const kept = new Map<Hex, PreparedProposal>()

/** Keeps a proposal. @returns its text for the input of the act. */
export function proposalText(proposal: PreparedProposal): string {
  kept.set(proposal.specHash, proposal)
  const { base, documents, ...rest } = proposal
  const names = documents.map(({ kind, what, name }) => ({ kind, what, name }))
  const named = { name: base.name, ...('parts' in base && { fromFiles: true }) }
  return JSON.stringify({ ...rest, base: named, documents: names }, (_, value) =>
    typeof value === 'bigint' ? { integer: value.toString() } : value,
  )
}

/** The proposal of a text: with its documents, unless the page was left meanwhile. */
export function proposalOfText(text: string): PreparedProposal {
  const named = JSON.parse(text, (_, value) =>
    typeof value?.integer === 'string' ? BigInt(value.integer) : value,
  ) as PreparedProposal
  return kept.get(named.specHash) ?? named
}
