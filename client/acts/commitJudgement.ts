import { encodeAbiParameters, type Hex, keccak256 } from 'viem'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { keepJudgement, type SaltedJudgement, type TaskJudgement } from '../state/keptJudgements.ts'

/** Commitments that one transaction takes. */
const BATCH = 40

/**
 * Commits to judgements without showing them. They are kept with their salts in the client's state until `revealJudgement` shows them: with a state
 * that does not outlast the program, they are lost with it, and an unrevealed commitment is fined.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { commitJudgement, connect } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const judgement = { taskId: 99n, choice: 0, ethics: 90, logic: 80, functional: 70, confidence: 95 } as const
 * await assert.rejects(commitJudgement(client, [judgement]), /FeedbackPool.commit is refused/) // there is no such task
 * ```
 */
export const commitJudgement = (client: Client, judgements: readonly TaskJudgement[]): Promise<void> =>
  Act.run(client, 'commitJudgement', { tasks: judgements.map(({ taskId }) => taskId) }, async (act) => {
    for (let start = 0; start < judgements.length; start += BATCH) {
      act.progress({ step: 'committing', done: start, total: judgements.length })
      const batch = judgements.slice(start, start + BATCH)
      const kept: SaltedJudgement[] = []
      for (const one of batch) kept.push(await keepJudgement(client, one)) // one after the other: they write one state
      const args = [kept.map(({ taskId }) => taskId), kept.map((one) => judgementHash(act.account, one))] as const
      await act.send({ contract: 'FeedbackPool', functionName: 'commit', args })
    }
  })

const COMMITTED = ['uint256', 'address', 'uint8', 'uint8', 'uint8', 'uint8', 'uint8', 'bytes32'].map((type) => ({
  type,
}))

const judgementHash = (validator: Hex, one: SaltedJudgement): Hex =>
  keccak256(
    encodeAbiParameters(COMMITTED, [
      ...[one.taskId, validator, one.choice, one.ethics, one.logic, one.functional, one.confidence, one.salt],
    ]),
  )
