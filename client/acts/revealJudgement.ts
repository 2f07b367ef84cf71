import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { forgetJudgement, keptJudgement } from '../state/keptJudgements.ts'

/** Judgements that one transaction reveals. */
const BATCH = 40

/**
 * Shows the judgements that were committed to, when the commit phase is over. @throws StateError when the state does not have one.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, revealJudgement } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(revealJudgement(client, [99n]), /The state has no judgement of task 99/) // none was committed to
 * ```
 */
export const revealJudgement = (client: Client, taskIds: readonly bigint[]): Promise<void> =>
  Act.run(client, 'revealJudgement', { taskIds }, async (act) => {
    for (let start = 0; start < taskIds.length; start += BATCH) {
      act.progress({ step: 'revealing', done: start, total: taskIds.length })
      const reveals = await Promise.all(taskIds.slice(start, start + BATCH).map((id) => keptJudgement(client, id)))
      await act.send({ contract: 'FeedbackPool', functionName: 'reveal', args: [reveals] })
    }
    if (!client.plan) for (const id of taskIds) await forgetJudgement(client, id)
  })
