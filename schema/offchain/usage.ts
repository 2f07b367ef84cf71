import { Address, Hash, Id, Integer, OffChain, Text, Time } from '../define.ts'

@OffChain('The usage document that a host signed for an epoch: whoever publishes the epoch’s map from here bundles it.')
export class HostUsage {
  @Id('`epoch-host`.') id!: string
  @Integer('In which epoch the fees were redeemed.', { index: true }) epoch!: number
  @Address('The host that signed.') host!: string
  @Hash('The document: an artifact’s name.') document!: string
  @Text('Its EIP-712 signature of epoch and document, for the reward distributor.') signature!: string
  @Time('When it was offered.') offeredAt!: Date
}
