import { quorumOf } from '#rules/tally.ts'
import { Governor, GovernorSetting, Proposal } from '#schema/onchain/governance.ts'
import type { GovernorProfile } from '../governors/governances.ts'
import type { Rows } from '../store/rows.ts'
import type { EventContext } from './eventContext.ts'

export type SettingName =
  | 'votingDelay'
  | 'votingPeriod'
  | 'proposalThreshold'
  | 'quorumNumerator'
  | 'timelock'
  | 'lateQuorumExtension'
  | 'totalSupply'
  | 'minDelay'
  | 'votesNeedLock'

/** Stores a setting of the contract that emitted the event. */
export const setting = (rows: Rows, event: EventContext, name: SettingName, value: bigint | number | string) =>
  rows.put(GovernorSetting, { id: `${event.idPrefix}${name}`, contract: event.address, name, value: String(value) })

export const settingOr = (rows: Rows, event: EventContext, name: SettingName, otherwise: string) =>
  rows.get(GovernorSetting, `${event.idPrefix}${name}`)?.value ?? otherwise

const valueIn = (rows: Rows, event: EventContext, contract: string, name: SettingName) =>
  rows.get(GovernorSetting, `${event.governances.idPrefixOf(contract)}${name}`)?.value

/** The quorum of a past snapshot, as long as neither supply nor fraction has changed since; null where the token is
 *  not followed, or the Governor's quorum is not a fraction. */
export function quorumNow(rows: Rows, governor: Readonly<GovernorProfile>, event: EventContext): bigint | null {
  if (governor.fixedQuorum !== null) return governor.fixedQuorum
  if (governor.token === null) return null
  const supply = valueIn(rows, event, governor.token, 'totalSupply')
  const numerator = valueIn(rows, event, governor.id, 'quorumNumerator')
  // the supply is negative where the token was not followed from its first block on
  if (supply === undefined || numerator === undefined || BigInt(supply) < 0n) return null
  return quorumOf(BigInt(supply), BigInt(numerator), governor.quorumDenominator)
}

/** Stores the quorum of every proposal with a past snapshot, of the Governor or the token that emitted the event. Called before
 *  supply or fraction changes: a change at the snapshot itself still counts, a later one does not. */
export function fixQuorums(rows: Rows, event: EventContext) {
  for (const proposal of rows.find(Proposal, 'quorum', null)) {
    const governor = rows.get(Governor, proposal.governorId)
    if (!governor || (governor.id !== event.address && governor.token !== event.address)) continue
    if (proposal.voteStart >= event.governances.clockAt(governor, event)) continue
    const quorum = quorumNow(rows, governor, event)
    if (quorum !== null) rows.put(Proposal, { ...proposal, quorum })
  }
}
