import { Proposal, TimelockOperation } from '#schema/onchain/governance.ts'
import { type Handlers, integer, moment, seconds } from './handler.ts'
import { setting } from './settings.ts'

export const timelock: Handlers<'TimelockController'> = {
  CallScheduled(rows, { id, index, target, value, data, predecessor, delay }, at) {
    const readyAt = moment(seconds(at.timestamp) + delay)
    const call = { operation: id, index: integer(index), target, value, data, predecessor, readyAt }
    rows.put(TimelockOperation, { id: `${id}-${index}`, ...call, status: 'Waiting' })
  },
  CallExecuted(rows, { id, index }) {
    if (rows.get(TimelockOperation, `${id}-${index}`))
      rows.change(TimelockOperation, `${id}-${index}`, { status: 'Done' })
  },
  /** What a canceller takes out of the timelock is cancelled for the governor too, though the governor emits nothing. */
  Cancelled(rows, { id }) {
    for (const call of rows.find(TimelockOperation, 'operation', id))
      rows.put(TimelockOperation, { ...call, status: 'Cancelled' })
    for (const proposal of rows.find(Proposal, 'operation', id)) rows.put(Proposal, { ...proposal, canceled: true })
  },
  MinDelayChange(rows, { newDuration }) {
    setting(rows, 'minDelay', newDuration)
  },
  CallSalt: null,
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
