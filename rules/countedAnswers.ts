/** Rule 8, amendments 4a and 10a (reward split): which opened receipts move rewards, and what they attribute. */

import type { Hex } from 'viem'
import { PPM } from './bps.ts'
import { lower } from './lower.ts'
import { ascending, byId } from './order.ts'

/** One opened receipt: its fee (wei) and the contributions behind the answer, in ppm of the answer; the rest is unattributed. */
export type AttributedReceipt = {
  receiptId: string
  endpointId: string
  versionId: string
  consumer: Hex
  fee: bigint
  parts: readonly { contributionId: string; mass: bigint }[]
}

/** `fees`: of the receipts that count, wei. `masses`: by contribution, wei × ppm; at most `fees` × 10⁶ together. */
export type CountedAnswers = { fees: bigint; masses: ReadonlyMap<string, bigint> }

type PaidFees = { endpointId: string; versionId: string; consumer: Hex; fees: bigint }

/** The attribution of the receipts that count, by version. Masses of contributions without a contributor are left out. Exact: nothing is floored
 *  per answer. */
export function countedAnswers(
  facts: { usage: readonly PaidFees[]; receipts: readonly AttributedReceipt[] },
  contributors: ReadonlyMap<string, Hex>,
): Map<string, CountedAnswers> {
  const answers = new Map<string, { fees: bigint; masses: Map<string, bigint> }>()
  for (const { versionId, fee, parts } of countedReceipts(facts)) {
    const of = answers.get(versionId) ?? { fees: 0n, masses: new Map() }
    answers.set(versionId, of)
    of.fees += fee
    for (const { contributionId, mass } of parts)
      if (contributors.has(contributionId))
        of.masses.set(contributionId, (of.masses.get(contributionId) ?? 0n) + fee * mass)
  }
  return answers
}

/** The receipts that count, in their order: each id of an endpoint once, so that no host spends another's ids, and of each consumer, endpoint and version as many as its fees pay. One that is not
 *  possible, or does not fit any more, is left out; the others are not touched. */
function countedReceipts({ usage, receipts }: Parameters<typeof countedAnswers>[0]): AttributedReceipt[] {
  const left = new Map<string, bigint>()
  for (const use of usage) left.set(payer(use), (left.get(payer(use)) ?? 0n) + use.fees)
  const counted = new Set<string>()
  return [...receipts].sort(inOrder()).filter((receipt) => {
    const { endpointId, receiptId, fee } = receipt
    const name = `${endpointId}/${receiptId}`
    const room = left.get(payer(receipt)) ?? -1n
    if (fee > room || counted.has(name) || !isPossible(receipt)) return false
    counted.add(name)
    left.set(payer(receipt), room - fee)
    return true
  })
}

const isPossible = ({ fee, parts }: AttributedReceipt) =>
  fee >= 0n && parts.every(({ mass }) => mass >= 0n) && parts.reduce((sum, { mass }) => sum + mass, 0n) <= PPM

const payer = ({ endpointId, versionId, consumer }: { endpointId: string; versionId: string; consumer: Hex }) =>
  `${endpointId}/${versionId}/${lower(consumer)}`

/** By receipt id; receipts of one id by all that they state, so that the order of documents does not matter. The text of each is written once: a host may state
 *  thousands that differ in nothing else. */
function inOrder(): (a: AttributedReceipt, b: AttributedReceipt) => number {
  const texts = new Map<AttributedReceipt, string>()
  const textOf = (receipt: AttributedReceipt) => {
    const text = texts.get(receipt) ?? partsText(receipt)
    texts.set(receipt, text)
    return text
  }
  return (a, b) =>
    ascending(a.receiptId, b.receiptId) ||
    byId(a.endpointId, b.endpointId) ||
    byId(a.versionId, b.versionId) ||
    ascending(lower(a.consumer), lower(b.consumer)) ||
    ascending(a.fee, b.fee) ||
    ascending(textOf(a), textOf(b))
}

const partsText = ({ parts }: AttributedReceipt) =>
  parts
    .map(({ contributionId, mass }) => `${contributionId}:${mass}`)
    .sort(ascending)
    .join(' ')
