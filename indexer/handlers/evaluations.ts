import { Evaluation } from '#schema/onchain/models.ts'
import { type EventHandlers, int32 } from './eventContext.ts'

export const evaluations: EventHandlers<'EvaluationRegistry'> = {
  EvaluationLogged(rows, { evaluationId, versionId, n, ...log }, event) {
    const ids = { id: evaluationId.toString(), versionId: versionId.toString() }
    rows.put(Evaluation, { ...ids, ...log, n: int32(n), loggedAt: event.timestamp })
  },
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
