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

/** A setting of the contract that spoke. */
export const setting = (rows: Rows, event: EventContext, name: SettingName, value: bigint | number | string) =>
  rows.put(GovernorSetting, { id: `${event.idPrefix}${name}`, contract: event.address, name, value: String(value) })

export const settingOr = (rows: Rows, event: EventContext, name: SettingName, otherwise: string) =>
  rows.get(GovernorSetting, `${event.idPrefix}${name}`)?.value ?? otherwise

const valueIn = (rows: Rows, event: EventContext, contract: string, name: SettingName) =>
  rows.get(GovernorSetting, `${event.governances.idPrefixOf(contract)}${name}`)?.value

/** The quorum at a snapshot that has passed, as long as neither supply nor fraction has changed since; null where the token is
 *  not followed, or its governor counts otherwise. */
export function quorumNow(rows: Rows, governor: Readonly<GovernorProfile>, event: EventContext): bigint | null {
  if (governor.fixedQuorum !== null) return governor.fixedQuorum
  if (governor.token === null) return null
  const supply = valueIn(rows, event, governor.token, 'totalSupply')
  const numerator = valueIn(rows, event, governor.id, 'quorumNumerator')
  // a supply below zero is what is left of a history that was not followed from its beginning
  if (supply === undefined || numerator === undefined || BigInt(supply) < 0n) return null
  return quorumOf(BigInt(supply), BigInt(numerator), governor.quorumDenominator)
}

/** Writes down the quorum of every proposal whose snapshot has passed, of the governor or the token that speaks. Called before
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
