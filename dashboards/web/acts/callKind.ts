import { callEndpoint, quoteCall, verifyReceipt } from '#client/index.ts'
import { gopen } from '../say/figures.ts'
import { putAnswer } from './answer.ts'
import { creditNow } from './effects.ts'
import type { ActInputs } from './inputs.ts'
import type { ActKind } from './kind.ts'

const questionOf = ({ endpointId, prompt, maxTokens }: ActInputs['call']) => ({
  ...{ endpointId: BigInt(endpointId), prompt, maxTokens: Number(maxTokens) },
})

/** A call of a model: the voucher that pays it is agreed to by its price, and its receipt is checked in this browser. */
export const callKind: ActKind<ActInputs['call']> = {
  async agreement(client, input) {
    const { channel, maximum } = await quoteCall(client, questionOf(input))
    const credit = gopen(channel.balance)
    return {
      says:
        maximum === 0n
          ? ['This endpoint is free. Nothing is signed.']
          : [
              `This call costs at most ${gopen(maximum)} gOPEN; what the answer really takes is charged. Your credit with this endpoint is ${credit} gOPEN.`,
              'If the vouchers that you have signed do not cover it, you sign one more: it promises the host the calls so far and this one, of this channel alone, and never more than your credit. That costs no gas.',
            ],
      covers: ({ type, message }) =>
        type === 'Voucher' &&
        message.channelId === channel.id &&
        BigInt(String(message.maxClaimableAmount)) <= channel.redeemed + channel.balance,
    }
  },
  async run(client, input) {
    putAnswer({ text: '' })
    let text = ''
    const onText = (piece: string) => {
      text += piece
      putAnswer({ text })
    }
    const { answer, receipt } = await callEndpoint(client, { ...questionOf(input), key: input.key, onText })
    putAnswer({ text: answer, receipt, verdict: await verifyReceipt(client, receipt) })
    const cost = receipt.fee === null ? 'an unknown fee' : `${gopen(receipt.fee)} gOPEN`
    return `Answered for ${cost}, with ${receipt.tokensIn} tokens in and ${receipt.tokensOut} out.`
  },
  effect: (client, { endpointId }) => creditNow(client, endpointId),
}
