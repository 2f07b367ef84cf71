import { Evaluation } from '#schema/onchain/models.ts'
import { type EventHandlers, int32 } from './eventContext.ts'
import { indexedName } from './indexedName.ts'

export const evaluations: EventHandlers<'EvaluationRegistry'> = {
  EvaluationLogged(rows, { evaluationId, versionId, metric, n, ...log }, event) {
    const ids = { id: evaluationId.toString(), versionId: versionId.toString() }
    rows.put(Evaluation, { ...ids, ...log, metric: indexedName(metric), n: int32(n), loggedAt: event.timestamp })
  },
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
