import { expect, test } from 'vitest'
import { documentBytes, type Evidence, evidenceDocument, getDocument } from '#schema/documents.ts'
import { GoldKey } from '#schema/offchain/gold.ts'
import { FeedbackRound, FeedbackTask, Judgement, Validator } from '#schema/onchain/feedback.ts'
import { account, insert, insertAll } from '#test/factory.ts'
import { must } from '#test/must.ts'
import type { JobContext } from '../job.ts'
import { testWorker } from '../test/testWorker.ts'
import { settleFeedbackHandler } from './settleFeedback.ts'
import { goldCommitment } from './settleFeedbackGold.ts'

const NOW = 1_900_000_000
const WINDOW = 30 * 86_400
const STAKE = 10n ** 19n
const POT = 1_000n
const JUDGES = [account(0x201), account(0x202), account(0x203), account(0x204)]
/** What each judge answers when the first answer is better: the last one reveals only the first half. */
const ANSWERS = [0, 0, 0, 1]

type Call = { key: string; functionName: string; args: unknown[] }

/** Rounds of 24 tasks, of which every third is gold, in the order of their ids; `ends` says when the reveals end. */
async function roundsEnding(...ends: number[]) {
  const { db, artifacts } = await testWorker()
  const put = (value: unknown) => artifacts.put(documentBytes(value))
  const keys: string[] = []
  for (const [at, end] of ends.entries()) {
    const roundId = String(at + 1)
    const ids = Array.from({ length: 24 }, (_, i) => String(24 * at + i + 1))
    const better = (id: string): 0 | 1 => (Number(id) % 2 === 0 ? 0 : 1)
    const items = await Promise.all(ids.map((id) => put({ prompt: `prompt ${id}`, answers: ['one', 'other'] })))
    const tasks = ids.map((id, i) => ({
      item: must(items[i]),
      gold: i % 3 === 0 ? better(id) : null,
      versions: [null, null],
    }))
    const key = await put({ salt: `salt ${roundId}`, tasks })
    keys.push(key)
    await insert(db, GoldKey, { id: goldCommitment(key), key, jobId: `job ${roundId}` })
    await insert(db, FeedbackRound, {
      id: roundId,
      seats: JUDGES.length,
      totalStake: STAKE * BigInt(JUDGES.length),
      openedBlock: 100 * (at + 1),
      goldCommitment: goldCommitment(key),
      revealDeadline: new Date(end * 1000),
      settled: false,
    })
    await insertAll(
      db,
      FeedbackTask,
      ids.map((id, i) => ({
        id,
        roundId,
        versionId: '1',
        domain: 'support',
        itemHash: must(items[i]),
        pot: POT,
        settled: false,
      })),
    )
    await insertAll(
      db,
      Judgement,
      ids.flatMap((id) =>
        JUDGES.map((validator, nth) => {
          const revealed = nth < 3 || Number(id) <= 24 * at + 12
          const choice = better(id) === 0 ? must(ANSWERS[nth]) : 1 - must(ANSWERS[nth])
          return {
            id: `${id}-${validator}`,
            taskId: id,
            validator,
            seatStake: STAKE,
            stage: 0,
            choice: revealed ? choice : null,
            confidence: revealed ? 90 : null,
          }
        }),
      ),
    )
  }
  await insertAll(
    db,
    Validator,
    JUDGES.map((id) => ({ id, stake: STAKE })),
  )
  const calls: Call[] = []
  let now = NOW
  const chain = {
    now: async () => now,
    read: async (_contract: string, name: string) => (name === 'SETTLEMENT_WINDOW' ? BigInt(WINDOW) : 50n),
    signedTransaction: async () => undefined,
    transact: async (key: string, call: Omit<Call, 'key'>) => void calls.push({ key, ...call }),
  }
  // What the handler uses.
  const job = {
    db,
    artifacts,
    chain,
    input: { versionId: '1' },
    put: async ({ bytes }: { bytes: Uint8Array }) => artifacts.put(bytes),
    report() {},
    alive() {},
  } as unknown as JobContext<'settleFeedback'>
  const run = () => settleFeedbackHandler(undefined as never)(job)
  const evidenceOf = (hash: unknown): Promise<Evidence> => getDocument(artifacts, evidenceDocument, String(hash))
  return { db, run, calls, keys, evidenceOf, wait: (seconds: number) => void (now += seconds) }
}

const settled = (calls: readonly Call[]) =>
  calls
    .filter(({ functionName }) => functionName === 'settle')
    .flatMap(({ args }) => args[2] as { taskId: bigint; validator: string; reward: bigint; penalty: bigint }[])

test('a round whose reveals are over is settled while another has a year left; its gold is opened first', async () => {
  const { run, calls, keys } = await roundsEnding(NOW + 31_536_000, NOW - 1)
  const { result } = await run()
  expect(result).toMatchObject({ rounds: ['2'], tasks: 24 })
  expect(calls.map(({ functionName }) => functionName)).toEqual([
    'openGold',
    'settle',
    'settle',
    'settle',
    'updateReputation',
  ])
  expect(calls[0]?.args).toEqual([2n, keys[1]])
  expect(new Set(settled(calls).map(({ taskId }) => taskId > 24n))).toEqual(new Set([true]))
})

test('while all rounds take reveals, nothing is settled', async () => {
  const { run } = await roundsEnding(NOW + 60)
  await expect(run()).rejects.toThrow('Round 1 accepts reveals until')
})

test('who is right is paid, who is wrong on gold and hides the rest is fined, and both are told why', async () => {
  const { run, calls, evidenceOf } = await roundsEnding(NOW - 1)
  const { result } = await run()
  const evidence = await evidenceOf((result.evidenceHashes as string[])[0])
  const [good, , , bad] = evidence.validators
  expect(good).toMatchObject({
    committed: 24,
    unrevealed: 0,
    goldAnswered: 8,
    goldFailed: 0,
    independence: '1000000',
    record: { tasks: 8_000_000, accuracy: 1_000_000, confidence: 900_000, upper: 1_000_000 },
    penalty: '0',
  })
  expect(must(good).record.lower).toBeGreaterThan(600_000)
  expect(BigInt(must(good).reward)).toBeGreaterThan(7_000n)
  expect(bad).toMatchObject({ unrevealed: 12, goldFailed: 8, reward: '0', penalty: (STAKE / 20n).toString() })
  expect(must(bad).reason).toContain('Did not reveal 12 of 24')
  expect(evidence.effectiveJudges).toBeGreaterThan(1_000_000)
  const paid = settled(calls).reduce((sum, row) => sum + row.reward, 0n)
  expect(paid).toBeGreaterThan(23_900n)
  expect(paid).toBeLessThanOrEqual(24n * POT)
})

test('a round whose seats nobody drew is settled: it pays nothing and fines nobody', async () => {
  const { db, run, calls } = await roundsEnding(NOW - 1)
  await db.query('delete from judgement')
  expect((await run()).result).toMatchObject({ rounds: ['1'], tasks: 24, judgements: 0, paid: '0', fined: '0' })
  expect(settled(calls)).toEqual([])
  expect(calls.filter(({ functionName }) => functionName === 'settle').flatMap(({ args }) => args[1])).toHaveLength(24)
})

test('an attempt after a part was settled computes the same and settles the rest', async () => {
  const { db, run, calls } = await roundsEnding(NOW - 1)
  await run()
  const first = settled(calls)
  const [fined] = first.filter(({ penalty }) => penalty > 0n)
  await db.query(`update feedback_task set settled = true where id::numeric <= 10`)
  await db.query(`update validator set stake = stake - $1 where id = $2`, [fined?.penalty, fined?.validator])
  await db.query(`update judgement set penalty = $1 where id = $2`, [
    fined?.penalty,
    `${fined?.taskId}-${fined?.validator}`,
  ])
  calls.length = 0
  await run()
  expect(settled(calls)).toEqual(first.filter(({ taskId }) => taskId > 10n))
})

test('earlier rounds count in a record and fade; a reputation fades, too', async () => {
  const { db, run, calls, keys, evidenceOf } = await roundsEnding(NOW - 2, NOW - 1)
  await db.query(`update feedback_round set settled = true, gold_secret = $1 where id = '1'`, [keys[0]])
  await db.query(`update feedback_task set settled = true where round_id = '1'`)
  const { result } = await run()
  const evidence = await evidenceOf((result.evidenceHashes as string[])[0])
  expect(evidence).toMatchObject({ roundId: '2', epoch: 4, keys })
  // Eight answers of two epochs ago, and eight new ones.
  expect(evidence.validators[0]?.record.tasks).toBe(8_000_000 + 8 * 902_500)
  const [accounts, domain] = must(calls.find(({ functionName }) => functionName === 'updateReputation')).args
  expect([accounts, domain]).toEqual([JUDGES, 'support'])
})

test('gold tasks that this database does not know hold their round, with what to do, and no other; when the contract waits no longer, it is settled without', async () => {
  const { db, run, calls, wait } = await roundsEnding(NOW - 1, NOW - 1)
  await db.query(`delete from gold_key`)
  await expect(run()).rejects.toThrow('No comparison of this database stored the gold tasks of round')
  await db.query(`update feedback_round set gold_commitment = null where id = '2'`)
  const { result } = await run()
  expect(result).toMatchObject({ rounds: ['2'], held: expect.stringContaining('gold tasks of round 1') })
  await db.query(`update feedback_task set settled = true where round_id = '2'`)
  await db.query(`update feedback_round set settled = true where id = '2'`)
  calls.length = 0
  wait(WINDOW)
  expect((await run()).result).toMatchObject({ rounds: ['1'], tasks: 24 })
  expect(calls.map(({ functionName }) => functionName)).not.toContain('openGold')
})
