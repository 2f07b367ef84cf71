import { promisedTwice, withdrawnCredit } from './channels.ts'
import { changedMind, copiedSubmission, reusedKeys } from './commitments.ts'
import { frozenStakes, judgeAndChallenger, rejectedDisputes, shieldedStake } from './disputes.ts'
import { dustFees } from './dustFees.ts'
import { forgedAttribution } from './forgedAttribution.ts'
import { emptiedMandate } from './keys.ts'
import { lateStake } from './lateStake.ts'
import { dustEpochs, selfPayingMaps } from './maps.ts'
import type { MoneyAttack } from './moneyAttack.ts'
import { delegatedAccount, hugeTotal, lateRedemption, refusedRedemptions } from './refusedRedemptions.ts'
import { reorganisedClaims } from './reorganisation.ts'
import { replayedClaims, replayedSubmissions, replayedVouchers } from './replay.ts'
import { roundedShares } from './rounding.ts'
import { allToTheHost, junkDocuments, withheldDocuments } from './usageDocuments.ts'
import { lockedRaid, rentedVotes } from './votes.ts'
import { washUsage } from './washUsage.ts'

/** The attacks on money of `npm run check -- attacks`, in the order of its table. */
export const MONEY_ATTACKS: readonly MoneyAttack[] = [
  washUsage,
  ...forgedAttribution,
  ...junkDocuments,
  withheldDocuments,
  allToTheHost,
  dustFees,
  dustEpochs,
  roundedShares,
  replayedVouchers,
  replayedClaims,
  replayedSubmissions,
  reorganisedClaims,
  promisedTwice,
  withdrawnCredit,
  ...refusedRedemptions,
  hugeTotal,
  delegatedAccount,
  lateRedemption,
  ...selfPayingMaps,
  rentedVotes,
  lockedRaid,
  emptiedMandate,
  lateStake,
  judgeAndChallenger,
  ...rejectedDisputes,
  ...frozenStakes,
  shieldedStake,
  copiedSubmission,
  changedMind,
  reusedKeys,
]
