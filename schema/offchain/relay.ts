import { Address, Hash, Id, Indexed, Integer, OffChain, Text, Time } from '../define.ts'

@OffChain('An act that is relayed for an account: what its limits are counted by.')
@Indexed('relayed_act_recent', 'created_at')
export class RelayedAct {
  @Id('The job that sends it.') id!: string
  @Address('The account that has signed.', { index: true }) account!: string
  @Text('The SHA-256 of the key with which it was asked for; null without keys.', { nullable: true }) keyId!:
    | string
    | null
  @Integer('The most gas that it may use.') maxGas!: number
  @Integer('The gas that it has used; null until it is known.', { nullable: true }) gasUsed!: number | null
  @Hash('Its transaction; null until it is mined, and when nothing was left to send.', { nullable: true })
  transactionHash!: string | null
  @Time('When it was asked for.') createdAt!: Date
}
