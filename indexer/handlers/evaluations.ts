import { Evaluation } from '#schema/onchain/models.ts'
import { type Handlers, integer } from './handler.ts'

export const evaluations: Handlers<'EvaluationRegistry'> = {
  EvaluationLogged(rows, { evaluationId, versionId, n, ...log }, at) {
    const ids = { id: evaluationId.toString(), versionId: versionId.toString() }
    rows.put(Evaluation, { ...ids, ...log, n: integer(n), loggedAt: at.timestamp })
  },
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
