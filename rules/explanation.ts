import type { Hex } from 'viem'
import type { Pot } from './split.ts'

export type Role = Pot | 'platform' | 'unattributed' | 'withheld' | 'recovered'

/** Why an account gets an amount: `amount = floor(pot × weight / whole)`. Negative for what is withheld. */
export type Explanation = {
  account: Hex
  role: Role
  versionId: string | null
  source: { kind: 'version' | 'stake' | 'contribution' | 'task' | 'endpoint' | 'pot' | 'correction'; id: string }
  amount: bigint
  pot: bigint
  weight: bigint
  whole: bigint
}
