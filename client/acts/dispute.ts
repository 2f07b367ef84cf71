import { type Hex, keccak256, stringToBytes } from 'viem'
import { DISPUTE_SUBJECTS, type DisputeSubject, GROUNDS } from '#rules/dispute.ts'
import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { allowTransfer } from './allowTransfer.ts'

export { type DisputeSubject, GROUNDS } from '#rules/dispute.ts'

export interface NewDispute {
  subject: DisputeSubject
  subjectId: bigint
  /** One of the subject's grounds in `GROUNDS` of `rules/dispute.ts`: `duplicate`, `offTopic`, `root`, … */
  ground: string
  /** What is wrong, in words; it is published. */
  statement: string
}

/**
 * Publishes the reason and opens a dispute; its bond comes back unless the dispute is rejected. @returns the dispute's id.
 * @throws ClientError when the subject has no such ground.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, dispute, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 10n * 10n ** 18n)
 * const about = { subject: 'Version', subjectId: 99n } as const
 * const why = { ground: 'harm', statement: 'It gives dangerous answers.' }
 * await assert.rejects(dispute(client, { ...about, ...why }), /UnknownSubject/) // else the dispute's id
 * ```
 */
export const dispute = (client: Client, { subject, subjectId, ground, statement }: NewDispute): Promise<bigint> =>
  Act.run(client, 'dispute', { subject, subjectId, ground, statement }, async (act) => {
    const kind = DISPUTE_SUBJECTS.indexOf(subject)
    const grounds = Object.keys(GROUNDS[subject])
    if (!grounds.includes(ground))
      throw new ClientError(
        `Nothing of the kind ${subject} is disputed on the ground ${ground}. Name one of ${grounds.join(', ')}.`,
      )
    const reason = JSON.stringify({ ground, statement })
    const evidence = keccak256(stringToBytes(reason))
    const call = await openingOf(act, client, subject, subjectId, evidence)
    await allowTransfer(act, 'Disputes', await client.read('Disputes', 'bondFor', [kind, subjectId]), call)
    await act.publish('evidence', reason)
    const mined = await act.send(call)
    return eventOf(mined, 'Disputes', 'DisputeOpened').args.disputeId
  })

/** A map is disputed as the one that is published now, at the first try: if another replaces it before the dispute is mined, none is opened. */
async function openingOf(act: Act, client: Client, subject: DisputeSubject, subjectId: bigint, evidence: Hex) {
  if (subject !== 'RewardMap')
    return {
      contract: 'Disputes',
      functionName: 'open',
      args: [DISPUTE_SUBJECTS.indexOf(subject), subjectId, evidence],
    } as const
  const { root, publishedAt } = await act.keep('publication', async () => {
    const [root, , publishedAt] = await client.read('RewardDistributor', 'maps', [subjectId])
    return { root, publishedAt: String(publishedAt) }
  })
  return {
    contract: 'Disputes',
    functionName: 'openMap',
    args: [subjectId, root, BigInt(publishedAt), evidence],
  } as const
}
