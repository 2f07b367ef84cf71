import { GovernorSetting } from '#schema/onchain/governance.ts'
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

export const valueIn = (rows: Rows, event: EventContext, contract: string, name: SettingName) =>
  rows.get(GovernorSetting, `${event.governances.idPrefixOf(contract)}${name}`)?.value
