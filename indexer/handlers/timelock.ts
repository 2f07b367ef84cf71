import { Governor, Proposal, TimelockOperation } from '#schema/onchain/governance.ts'
import type { Rows } from '../store/rows.ts'
import { changeProposal } from './changeProposal.ts'
import { dateOf, type EventContext, type EventHandlers, int32, unixSeconds } from './eventContext.ts'
import { restate } from './restate.ts'
import { setting } from './settings.ts'

/** What happens to an operation in the timelock also happens to its proposal, although the Governor emits no event. */
function conclude(rows: Rows, operation: string, event: EventContext, values: { executed: true } | { canceled: true }) {
  for (const proposal of rows.find(Proposal, 'operation', operation))
    if (rows.get(Governor, proposal.governorId)?.timelock === event.address) changeProposal(rows, proposal, values)
}

/** Whether proposals whose operation was cancelled in the timelock are cancelled: at a Governor of OpenZeppelin 4.4 they stay queued; once the operation is
 *  scheduled again, they are queued, unless the Governor cancelled them itself. */
function restateCancelled(rows: Rows, operation: string, event: EventContext) {
  for (const proposal of rows.find(Proposal, 'operation', operation)) {
    const governor = rows.get(Governor, proposal.governorId)
    if (proposal.canceled && governor?.timelock === event.address) restate(rows, governor, [proposal], event)
  }
}

export const timelock = {
  CallScheduled(rows, { id, index, target, value, data, predecessor, delay }, event) {
    const readyAt = dateOf(unixSeconds(event.timestamp) + delay)
    const call = { operation: id, index: int32(index), target, value, data, predecessor, readyAt }
    rows.put(TimelockOperation, { id: `${event.idPrefix}${id}-${index}`, ...call, status: 'Waiting' })
    restateCancelled(rows, id, event)
  },
  /** An executor may call the timelock directly, or through the Governor. */
  CallExecuted(rows, { id, index }, event) {
    const call = `${event.idPrefix}${id}-${index}`
    if (rows.get(TimelockOperation, call)) rows.change(TimelockOperation, call, { status: 'Done' })
    conclude(rows, id, event, { executed: true })
  },
  /** An operation cancelled in the timelock is cancelled for the Governor too, unless it says something else. */
  Cancelled(rows, { id }, event) {
    for (const call of rows.find(TimelockOperation, 'operation', id))
      if (call.id.startsWith(`${event.idPrefix}${id}-`)) rows.put(TimelockOperation, { ...call, status: 'Cancelled' })
    conclude(rows, id, event, { canceled: true })
    restateCancelled(rows, id, event)
  },
  MinDelayChange(rows, { newDuration }, event) {
    setting(rows, event, 'minDelay', newDuration)
  },
  CallSalt: null,
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
} satisfies EventHandlers<'TimelockController'>
