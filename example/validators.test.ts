import { expect, test } from 'vitest'
import { Random } from '#math/random.ts'
import { meanOf } from '#math/summary.ts'
import { must } from '#test/must.ts'
import { secretOf } from './accounts.ts'
import { consumers } from './consumers.ts'
import { drawItems } from './skill/items.ts'
import { renderReply, STYLES, type Style } from './skill/reply.ts'
import { validationItems } from './skill/rubric.ts'
import { formatTriage } from './skill/triage.ts'
import { utility, winRate } from './utility.ts'
import { type AnswerComparison, judgeComparison, truthsOf, VALIDATORS, type ValidatorBehaviour } from './validators.ts'

const messages = drawItems(5, 'judged', 300)

function lines(style: Style, seed = 1): string[] {
  const random = new Random(`${style}/${seed}`)
  return messages.map(({ truth, item }) =>
    formatTriage({ ...truth, reply: renderReply(style, { ...truth, item }, random) }),
  )
}

/** Comparisons of two right lines in random styles. */
function comparisons(): AnswerComparison[] {
  const random = new Random('comparisons')
  return messages.map(({ prompt, truth, item }) => {
    const one = () => formatTriage({ ...truth, reply: renderReply(random.choice(STYLES), { ...truth, item }, random) })
    return { prompt, truth, answers: [one(), one()] }
  })
}

/** Gold tasks, as the compare job makes them: a right answer and the answer to another message. */
function goldTasks(seed: number, count: number): (AnswerComparison & { better: 0 | 1 })[] {
  // Without orders two messages may have the same right answer.
  const items = validationItems(seed, count).filter(({ truth }) => truth.order !== 'none')
  return items.map(({ prompt, truth, completion }, i) => {
    const wrong = must(items[(i + 1) % items.length]).completion
    return i % 2 === 0
      ? { prompt, truth, answers: [completion, wrong], better: 0 }
      : { prompt, truth, answers: [wrong, completion], better: 1 }
  })
}

const choices = (temper: ValidatorBehaviour, tasks: readonly AnswerComparison[]) => {
  const validator = must(VALIDATORS.find((one) => one.behaviour === temper))
  return tasks.map((task) => judgeComparison(5, validator, task).choice)
}
const agreement = (a: readonly number[], b: readonly number[]) => meanOf(a.map((choice, i) => Number(choice === b[i])))

test('the hidden utility ranks the styles of replies as a good desk would', () => {
  const of = (style: Style) => meanOf(lines(style).map((line, i) => utility(line, must(messages[i]).truth).overall))
  const ranks = STYLES.map(of)
  expect(of('caring')).toBe(Math.max(...ranks))
  expect(of('caring')).toBeGreaterThan(of('helpful') + 4)
  expect(of('helpful')).toBeGreaterThan(of('polite') + 4)
  expect(of('polite')).toBeGreaterThan(of('plain') + 4)
  expect(of('plain')).toBeGreaterThan(of('curt') + 4)
  expect(of('curt')).toBeGreaterThan(of('blaming') + 4)
})

test('wrong fields, another order, a repeated sentence and a long reply each cost utility', () => {
  const truth = { category: 'delivery', urgency: 'high', order: '4821' } as const
  const reply = 'Sorry about the delay. We are tracing order 4821 now. You will hear from us by Friday.'
  const best = utility(formatTriage({ ...truth, reply }), truth).overall
  expect(best).toBeGreaterThan(90)
  const worse = (line: string) => expect(utility(line, truth).overall, line).toBeLessThan(best)
  worse(formatTriage({ ...truth, category: 'billing', reply }))
  worse(formatTriage({ ...truth, reply: reply.replace('4821', '4812') }))
  worse(formatTriage({ ...truth, reply: `${reply} You will hear from us by Friday.` }))
  worse(formatTriage({ ...truth, reply: `${reply} ${'We are tracing it with care and more care. '.repeat(6)}` }))
  worse(reply)
  worse('')
})

test('a careful validator finds the better answer, a careless one at most by chance, and the colluding ones agree only with each other', () => {
  const tasks = comparisons()
  const truth = tasks.map(({ answers, truth: fields }) => {
    const [a, b] = answers.map((answer) => utility(answer, fields).overall) as [number, number]
    return a === b ? 2 : b > a ? 1 : 0
  })
  const clear = tasks.filter((_, i) => truth[i] !== 2)
  const better = truth.filter((choice) => choice !== 2)
  expect(agreement(choices('careful', clear), better)).toBeGreaterThan(0.85)
  expect(agreement(choices('ordinary', clear), better)).toBeGreaterThan(0.75)
  expect(agreement(choices('hasty', clear), better)).toBeGreaterThan(0.6)
  expect(agreement(choices('careless', clear), better)).toBeLessThan(0.6)
  expect(agreement(choices('colluding', clear), better)).toBeLessThan(0.6)
  const pact = VALIDATORS.filter(({ behaviour }) => behaviour === 'colluding')
  const [xan, yve] = [must(pact[0]), must(pact[1])]
  expect(tasks.every((task) => judgeComparison(5, xan, task).choice === judgeComparison(5, yve, task).choice)).toBe(
    true,
  )
})

test('careful validators are right on gold tasks, and higher confidence of an honest validator means more right judgements', () => {
  const gold = goldTasks(9, 300)
  const holds = gold.filter(
    ({ answers, truth, better }) =>
      utility(answers[better], truth).overall > utility(must(answers[1 - better]), truth).overall,
  )
  expect(holds.length / gold.length).toBeGreaterThan(0.98)
  const key = gold.map(({ better }) => better)
  expect(agreement(choices('careful', gold), key)).toBeGreaterThan(0.95)
  expect(agreement(choices('hasty', gold), key)).toBeGreaterThan(0.8)
  expect(agreement(choices('careless', gold), key)).toBeLessThan(0.6)
  expect(agreement(choices('colluding', gold), key)).toBeLessThan(0.6)

  const vera = must(VALIDATORS.find(({ behaviour }) => behaviour === 'hasty'))
  const judged = comparisons().map((task) => {
    const [a, b] = task.answers.map((answer) => utility(answer, task.truth).overall) as [number, number]
    return { ...judgeComparison(9, vera, task), right: a === b ? 2 : b > a ? 1 : 0 }
  })
  const rate = (list: typeof judged) => meanOf(list.map(({ choice, right }) => Number(choice === right)))
  expect(rate(judged.filter(({ confidence }) => confidence >= 90))).toBeGreaterThan(
    rate(judged.filter(({ confidence }) => confidence < 75)) + 0.1,
  )
})

test('the true fields of a message are found by its text', () => {
  const truths = truthsOf([...messages, ...validationItems(5, 10)])
  expect(truths.get(must(messages[3]).prompt)).toEqual(must(messages[3]).truth)
  expect(truths.size).toBe(310)
})

test('judgements and salts are the same for the same seed, and are in the ranges of the contract', () => {
  const task = must(comparisons()[0])
  for (const validator of VALIDATORS) {
    const judgement = judgeComparison(5, validator, task)
    expect(judgeComparison(5, validator, task)).toEqual(judgement)
    const { choice, ...rates } = judgement
    expect([0, 1, 2]).toContain(choice)
    for (const rate of Object.values(rates)) {
      expect(Number.isInteger(rate)).toBe(true)
      expect(rate).toBeGreaterThanOrEqual(0)
      expect(rate).toBeLessThanOrEqual(100)
    }
  }
  expect(secretOf(1, 'a task')).toBe(secretOf(1, 'a task'))
  expect(new Set([secretOf(1, 'a task'), secretOf(1, 'another'), secretOf(2, 'a task')]).size).toBe(3)
})

test('the win rate counts wins and half of the ties', () => {
  const { truth } = must(messages[0])
  const [good, bad] = [must(lines('caring')[0]), must(lines('blaming')[0])]
  const pair = (before: string, after: string) => ({ truth, before, after })
  expect(winRate([pair(bad, good), pair(good, bad), pair(good, good), pair(bad, good)]).rate).toBe(0.625)
})

test('consumers ask with messages that are not in the training data', () => {
  const asked = consumers(5).flatMap((one) => one.messages.map(({ prompt }) => prompt))
  expect(asked).toHaveLength(24)
  const known = new Set(drawItems(5, 'samples', 600).map(({ prompt }) => prompt))
  expect(asked.filter((prompt) => known.has(prompt))).toEqual([])
})
