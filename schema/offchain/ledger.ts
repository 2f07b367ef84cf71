import {
  Address,
  BlockNumber,
  Hash,
  Id,
  Indexed,
  Integer,
  Json,
  OffChain,
  Ref,
  Text,
  Texts,
  Time,
  Wei,
} from '../define.ts'
import { RewardMap } from '../onchain/rewards.ts'

@OffChain('One immutable transfer between two accounts of the ledger.')
export class LedgerTransfer {
  @Id('The posted fact; unique, so that nothing is posted twice.') id!: string
  @Text('The account debited.', { index: true }) debit!: string
  @Text('The account credited.', { index: true }) credit!: string
  @Wei('The amount; positive.') amount!: bigint
  @Text('The chain event that caused it; null for what a call moves.', { index: true, nullable: true }) event!:
    | string
    | null
  @BlockNumber('The block of the event; for a call, the block of the event before it.', { index: true }) block!: number
  @Text('The kind of fact.') reason!: string
  @Time('The fact’s time.') at!: Date
}

@OffChain('What one account of the ledger has: the sum of its transfers, which the database keeps.')
export class LedgerBalance {
  @Id('The account.') id!: string
  @Wei('What was credited minus what was debited; of `deposits` it is negative.') balance!: bigint
}

@OffChain('One line of an epoch’s reward map: account, amount, role, source and reason.')
@Indexed('reward_line_version', `(inputs->>'versionId')`)
export class RewardLine {
  @Id('`epoch-number`.') id!: string
  @Ref(() => RewardMap, 'map', 'The epoch’s map.', { inverse: 'lines' }) mapId!: string
  @Address('The account that is paid.', { index: true }) account!: string
  @Text('The role: platform, owner, staker, data, validator, host, ancestor, unattributed.') role!: string
  @Text('The source: an endpoint, version, contribution or task, as `kind:id`.', { index: true }) source!: string
  @Wei('How much this line pays, in wei.') amount!: bigint
  @Json('The formula’s inputs.') inputs!: Record<string, string>
}

@OffChain(
  'What an account earned by the reward maps up to one epoch: the sum of its lines. Valid until its next lines.',
)
@Indexed('earning_standing', 'to_epoch, from_epoch, account, earned')
export class Earning {
  @Id('`account-fromEpoch`.') id!: string
  @Address('Who earned it.', { index: true }) account!: string
  @Wei('In all epochs up to then, in wei.') earned!: bigint
  @Integer('The first epoch of which it is the sum.') fromEpoch!: number
  @Integer('The epoch that added to it; null for the present sum.', { nullable: true }) toEpoch!: number | null
}

@OffChain(
  'A transaction of the workers: signed once and stored before it is sent, so that a restart sends the same transaction again.',
)
@Indexed('chain_transaction_sent', 'created_at', `status = 'Sent'`)
export class ChainTransaction {
  @Id('The key of its effect: one key, one transaction.') id!: string
  @Address('The account that signs.', { index: true }) sender!: string
  @Integer('Its place among the transactions of the sender.') nonce!: number
  @Hash('The transaction hash.', { unique: true }) hash!: string
  @Text('The signed bytes.', { hidden: true }) raw!: string
  @Text('Sent, Mined, Reverted or Cancelled.') status!: string
  @Text('Why it reverted or was cancelled.', { nullable: true }) error!: string | null
  @Texts('The signed bytes that it replaces, oldest first. One of them may be mined instead.', {
    nullable: true,
    hidden: true,
  })
  replaced!: string[] | null
  @Time('When it was signed.') createdAt!: Date
}
