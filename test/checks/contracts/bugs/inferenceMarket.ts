import type { PlantedBug } from './plantedBug.ts'

export const inferenceMarketBugs: readonly PlantedBug[] = [
  {
    name: 'more is redeemed than was signed',
    file: 'InferenceMarket.sol',
    from: 'if (r.total > r.ceiling) return Failure.BeyondCeiling;',
    to: '',
  },
  {
    name: 'a redemption beyond the credit stops the batch',
    file: 'InferenceMarket.sol',
    from: 'if (r.total - state.redeemed > state.balance) return Failure.InsufficientCredit;',
    to: '',
  },
  {
    name: 'no voucher is checked',
    file: 'InferenceMarket.sol',
    from: '!Channels.isSigned(id, r.ceiling, r.channel.payerAuthorizer, r.signature)',
    to: 'r.signature.length == 0',
  },
  {
    name: 'another host redeems',
    file: 'InferenceMarket.sol',
    from: 'if (host != msg.sender) return Failure.NotHost;',
    to: '',
  },
  {
    name: 'a voucher is valid at another endpoint',
    file: 'InferenceMarket.sol',
    from: 'if (r.channel.receiverAuthorizer != authorizerOf(r.endpointId)) return Failure.OtherChannel;',
    to: '',
  },
  {
    name: 'a voucher is redeemed again',
    file: 'InferenceMarket.sol',
    from: 'state.redeemed = r.total;',
    to: '',
  },
  {
    name: 'credit is withdrawn at once',
    file: 'InferenceMarket.sol',
    from: 'if (block.timestamp < state.withdrawableAt) revert WithdrawalTooEarly(state.withdrawableAt);',
    to: '',
  },
  {
    name: 'credit is withdrawn again',
    file: 'InferenceMarket.sol',
    from: 'state.balance -= amount;',
    to: '',
  },
  {
    name: 'somebody else withdraws the credit',
    file: 'InferenceMarket.sol',
    from: 'if (channel.payer != msg.sender) revert NotConsumer(channel.payer);',
    to: '',
  },
  {
    name: 'a deposit that no endpoint can redeem',
    file: 'InferenceMarket.sol',
    from: 'channel.receiverAuthorizer != authorizerOf(endpointId)',
    to: 'false',
  },
]
