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

/** The quorum at a snapshot that has passed, as long as neither supply nor fraction has changed since. */
export const quorumNow = (rows: Rows) =>
  (BigInt(settingOr(rows, 'totalSupply', '0')) * BigInt(settingOr(rows, 'quorumNumerator', '0'))) / QUORUM_DENOMINATOR

/** Writes down the quorum of every proposal whose snapshot has passed. Called before supply or fraction changes: a change
 *  at the snapshot itself still counts, a later one does not. */
export function fixQuorums(rows: Rows, at: Moment) {
  for (const proposal of rows.find(Proposal, 'quorum', null))
    if (proposal.voteStart < at.clock) rows.put(Proposal, { ...proposal, quorum: quorumNow(rows) })
}
