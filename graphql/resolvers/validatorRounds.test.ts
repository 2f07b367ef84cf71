import { expect, test } from 'vitest'
import { documentBytes } from '#schema/documents.ts'
import { FeedbackRound, FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { account, insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from '../test/api.ts'

const QUERY = `query ($validator: String!, $first: Int, $asOf: AsOfInput) {
  validatorRounds(validator: $validator, first: $first, asOf: $asOf) {
    roundId effectiveJudges committed unrevealed agreement agreementLower agreementUpper agreementPaid skill independence goldAnswered goldFailed
    recordTasks accuracy accuracyLower accuracyUpper confidence reliability reward penalty reason
    judgements { taskId choice confidence gold share reward penalty }
  }
}`
const ME = account(0x201)

async function rounds() {
  const { db, artifacts, ask } = await testApi()
  const put = (value: unknown) => artifacts.put(documentBytes(value))
  await insertChain(db, 9)
  for (const roundId of ['1', '2', '3']) {
    const item = await put({ prompt: `prompt ${roundId}`, answers: ['a', 'b'] })
    const secret = await put({ salt: roundId, tasks: [{ item, gold: 1, versions: [null, null] }] })
    const evidenceHash = await put({
      versionId: '1',
      roundId,
      epoch: 4,
      keys: [],
      effectiveJudges: 2_500_000,
      validators: [
        {
          validator: ME,
          committed: 2,
          unrevealed: 1,
          agreement: '900000',
          margin: '150000',
          beyondLuck: '900000',
          skill: '640000',
          independence: '1000000',
          merit: '576000',
          goldAnswered: 1,
          goldFailed: 0,
          record: { tasks: 5_000_000, accuracy: 800_000, lower: 376_000, upper: 964_000, confidence: 850_000 },
          reward: '70',
          penalty: '5',
          reliability: '910000',
          reason: 'Agreement.',
        },
      ],
      pairs: [],
    })
    const isSettled = roundId !== '3'
    await insert(db, FeedbackRound, {
      id: roundId,
      settled: isSettled,
      goldSecret: isSettled ? secret : null,
      fromBlock: 2 * Number(roundId),
    })
    await insertAll(
      db,
      FeedbackTask,
      [item, await put({ prompt: 'other', answers: ['a', 'b'] })].map((itemHash, i) => ({
        id: `${roundId}${i}`,
        roundId,
        itemHash,
        settled: isSettled,
        evidenceHash: isSettled ? evidenceHash : null,
      })),
    )
    await insertAll(db, Judgement, [
      {
        id: `${roundId}0-${ME}`,
        taskId: `${roundId}0`,
        validator: ME,
        choice: 1,
        confidence: 90,
        score: 700_000,
        reward: 70n,
      },
      {
        id: `${roundId}1-${ME}`,
        taskId: `${roundId}1`,
        validator: ME,
        choice: null,
        confidence: null,
        score: 0,
        penalty: 5n,
      },
    ])
  }
  return { ask }
}

test('a validator sees each settled round, newest first: its record with intervals, and what each judgement earned', async () => {
  const { ask } = await rounds()
  const { data } = await ask(QUERY, { validator: ME })
  expect(data.validatorRounds.map(({ roundId }: { roundId: string }) => roundId)).toEqual(['2', '1'])
  expect(data.validatorRounds[0]).toEqual({
    roundId: '2',
    effectiveJudges: 2_500_000,
    committed: 2,
    unrevealed: 1,
    agreement: 900_000,
    agreementLower: 750_000,
    agreementUpper: 1_000_000,
    agreementPaid: 900_000,
    skill: 640_000,
    independence: 1_000_000,
    goldAnswered: 1,
    goldFailed: 0,
    recordTasks: 5_000_000,
    accuracy: 800_000,
    accuracyLower: 376_000,
    accuracyUpper: 964_000,
    confidence: 850_000,
    reliability: 910_000,
    reward: '70',
    penalty: '5',
    reason: 'Agreement.',
    judgements: [
      { taskId: '20', choice: 1, confidence: 90, gold: 1, share: 700_000, reward: '70', penalty: '0' },
      { taskId: '21', choice: null, confidence: null, gold: null, share: 0, reward: '0', penalty: '5' },
    ],
  })
})

test('it can be asked as of a block, for fewer rounds, and for strangers', async () => {
  const { ask } = await rounds()
  const ids = async (variables: object) =>
    (await ask(QUERY, { validator: ME, ...variables })).data.validatorRounds.map(
      (one: { roundId: string }) => one.roundId,
    )
  expect(await ids({ first: 1 })).toEqual(['2'])
  expect(await ids({ asOf: { block: 3 } })).toEqual(['1'])
  expect(await ids({ validator: account(0x999) })).toEqual([])
})
