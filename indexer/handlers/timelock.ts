import { Governor, Proposal, TimelockOperation } from '#schema/onchain/governance.ts'
import type { Rows } from '../store/rows.ts'
import { type Handlers, integer, type Moment, moment, seconds } from './handler.ts'
import { setting } from './settings.ts'

/** What happens to an operation in the timelock happens to its proposal, though the governor emits nothing. */
function conclude(rows: Rows, operation: string, at: Moment, values: { executed: true } | { canceled: true }) {
  for (const proposal of rows.find(Proposal, 'operation', operation))
    if (rows.get(Governor, proposal.governorId)?.timelock === at.address) rows.put(Proposal, { ...proposal, ...values })
}

export const timelock: Handlers<'TimelockController'> = {
  CallScheduled(rows, { id, index, target, value, data, predecessor, delay }, at) {
    const readyAt = moment(seconds(at.timestamp) + delay)
    const call = { operation: id, index: integer(index), target, value, data, predecessor, readyAt }
    rows.put(TimelockOperation, { id: `${at.scope}${id}-${index}`, ...call, status: 'Waiting' })
  },
  /** Whoever may execute does so at the timelock itself, or through the governor. */
  CallExecuted(rows, { id, index }, at) {
    const call = `${at.scope}${id}-${index}`
    if (rows.get(TimelockOperation, call)) rows.change(TimelockOperation, call, { status: 'Done' })
    conclude(rows, id, at, { executed: true })
  },
  /** What a canceller takes out of the timelock is cancelled for the governor too. */
  Cancelled(rows, { id }, at) {
    for (const call of rows.find(TimelockOperation, 'operation', id))
      if (call.id.startsWith(`${at.scope}${id}-`)) rows.put(TimelockOperation, { ...call, status: 'Cancelled' })
    conclude(rows, id, at, { canceled: true })
  },
  MinDelayChange(rows, { newDuration }, at) {
    setting(rows, at, 'minDelay', newDuration)
  },
  CallSalt: null,
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
