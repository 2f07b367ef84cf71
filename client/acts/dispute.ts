import { type DisputeSubject, GROUNDS } from '#rules/dispute.ts'
import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { allowTransfer } from './tokens.ts'

export { type DisputeSubject, GROUNDS } from '#rules/dispute.ts'

/** As in the contract's enum. */
const KINDS = Object.keys(GROUNDS) as DisputeSubject[]

export interface NewDispute {
  subject: DisputeSubject
  subjectId: bigint
  /** One of the subject's grounds in `GROUNDS` of `rules/dispute.ts`: `duplicate`, `offTopic`, `root`, … */
  ground: string
  /** What is wrong, in words; it is published. */
  statement: string
}

/** Publishes the reason and opens a dispute; its bond comes back unless the dispute is rejected. @returns the dispute's id. */
export const dispute = (client: Client, { subject, subjectId, ground, statement }: NewDispute): Promise<bigint> =>
  Act.run(client, 'dispute', { subject, subjectId, ground, statement }, async (act) => {
    const kind = KINDS.indexOf(subject)
    await allowTransfer(act, 'Disputes', await client.read('Disputes', 'bondFor', [kind, subjectId]))
    const evidence = await act.publish('evidence', JSON.stringify({ ground, statement }))
    const mined = await act.send({ contract: 'Disputes', functionName: 'open', args: [kind, subjectId, evidence] })
    return eventOf(mined, 'Disputes', 'DisputeOpened').args.disputeId
  })
