import { GovernorSetting, Proposal } from '#schema/onchain/governance.ts'
import type { Rows } from '../rows.ts'
import type { Moment } from './handler.ts'

export type SettingName =
  | 'votingDelay'
  | 'votingPeriod'
  | 'proposalThreshold'
  | 'quorumNumerator'
  | 'timelock'
  | 'lateQuorumExtension'
  | 'totalSupply'
  | 'minDelay'

const QUORUM_DENOMINATOR = 100n

export const setting = (rows: Rows, id: SettingName, value: bigint | number | string) =>
  rows.put(GovernorSetting, { id, value: String(value) })

export const settingOr = (rows: Rows, id: SettingName, otherwise: string) =>
  rows.get(GovernorSetting, id)?.value ?? otherwise

/** The quorum at a snapshot that has passed, as long as neither supply nor fraction has changed since; null where the token is
 *  not followed, or its governor counts otherwise. */
export function quorumNow(rows: Rows): bigint | null {
  const supply = rows.get(GovernorSetting, 'totalSupply')?.value
  const numerator = rows.get(GovernorSetting, 'quorumNumerator')?.value
  if (supply === undefined || numerator === undefined) return null
  return (BigInt(supply) * BigInt(numerator)) / QUORUM_DENOMINATOR
}

/** Writes down the quorum of every proposal whose snapshot has passed. Called before supply or fraction changes: a change
 *  at the snapshot itself still counts, a later one does not. */
export function fixQuorums(rows: Rows, at: Moment) {
  const quorum = quorumNow(rows)
  if (quorum === null) return
  for (const proposal of rows.find(Proposal, 'quorum', null))
    if (proposal.voteStart < at.clock) rows.put(Proposal, { ...proposal, quorum })
}
