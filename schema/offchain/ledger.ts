import { Address, Hash, Id, Indexed, Integer, Json, OffChain, Ref, Text, Time, Wei } from '../define.ts'
import { RewardMap } from '../onchain/rewards.ts'

@OffChain('One immutable movement of money between two accounts of the ledger.')
export class LedgerTransfer {
  @Id('The fact it posts: unique, so that nothing posts twice.') id!: string
  @Text('The account debited.', { index: true }) debit!: string
  @Text('The account credited.', { index: true }) credit!: string
  @Wei('How much; positive.') amount!: bigint
  @Text('The chain event it follows from.', { index: true }) event!: string
  @Text('Which kind of fact.') reason!: string
  @Time('The fact’s time.') at!: Date
}

@OffChain('One line of an epoch’s reward map: who gets how much, in which role, from what, and why.')
@Indexed('reward_line_version', `(inputs->>'versionId')`)
export class RewardLine {
  @Id('`epoch-number`.') id!: string
  @Ref(() => RewardMap, 'map', 'The epoch’s map.', { inverse: 'lines' }) mapId!: string
  @Address('Who is paid.', { index: true }) account!: string
  @Text('In which role: platform, owner, staker, data, validator, host, ancestor, unattributed.') role!: string
  @Text('From what: an endpoint, version, contribution or task, as `kind:id`.', { index: true }) source!: string
  @Wei('How much.') amount!: bigint
  @Json('The formula’s inputs.') inputs!: Record<string, string>
}

@OffChain('A transaction of ours: signed once, stored before it is sent, so that a restart sends the same one again.')
export class ChainTransaction {
  @Id('The effect it stands for: one key, one transaction.') id!: string
  @Address('Who signs.', { index: true }) sender!: string
  @Integer('The nonce.') nonce!: number
  @Hash('The transaction hash.', { unique: true }) hash!: string
  @Text('The signed bytes.', { hidden: true }) raw!: string
  @Text('Sent, Mined or Reverted.') status!: string
  @Text('Why it reverted.', { nullable: true }) error!: string | null
  @Time('When it was signed.') createdAt!: Date
}
