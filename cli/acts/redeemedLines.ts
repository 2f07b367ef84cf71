import { inGOpen, type Redeemed } from '#client/index.ts'

/** What a redemption came to, for people. */
export const redeemedLines = ({ channels, amount, owed, failed }: Redeemed): string[] => [
  `${inGOpen(amount)} were redeemed from ${channels} ${channels === 1 ? 'channel' : 'channels'}.`,
  ...(BigInt(owed) > 0n ? [`For ${inGOpen(owed)} more, consumers have no credit.`] : []),
  ...failed.map(({ channelId, reason }) => `Channel ${channelId}: ${reason}`),
]
