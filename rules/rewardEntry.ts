/** Rule 10 (reward map): the explanation of one amount. */

import type { Hex } from 'viem'
import type { Pot } from './split.ts'

export type RewardRole = Pot | 'platform' | 'unattributed' | 'withheld' | 'recovered'

/** Why an account gets an amount: `amount = ⌊pot × weight / whole⌋`. Negative for what is withheld. */
export type RewardEntry = {
  account: Hex
  role: RewardRole
  versionId: string | null
  source: { kind: 'version' | 'stake' | 'contribution' | 'task' | 'endpoint' | 'pot' | 'correction'; id: string }
  amount: bigint
  pot: bigint
  weight: bigint
  whole: bigint
}
