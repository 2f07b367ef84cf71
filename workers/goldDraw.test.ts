import { expect, test } from 'vitest'
import { Random } from '#math/random.ts'
import { clearestGold, drawGoldItems, GOLD_TRIES } from './goldDraw.ts'

const item = (n: number) => ({ prompt: `question number ${n} about the ${n}th thing`, completion: `a | ${n}` })
const items = (count: number) => Array.from({ length: count }, (_, n) => item(n))
const promptsOf = (count: number) => items(count).map(({ prompt }) => prompt)

test('only items that are compared anyway and are apart from the sealed ones may be gold, each once', () => {
  const sealed = [{ prompt: item(3).prompt, completion: 'another' }]
  const pool = [...items(8), item(1), { prompt: 'not among the prompts', completion: 'a' }]
  const drawn = drawGoldItems({ pool, prompts: promptsOf(6), sealed }, new Random('secret'))
  expect(drawn.map(({ prompt }) => prompt).sort()).toEqual([0, 1, 2, 4, 5].map((n) => item(n).prompt))
})

test('another secret draws in another order', () => {
  const given = { pool: items(40), prompts: promptsOf(40), sealed: [] }
  const order = (secret: string) => drawGoldItems(given, new Random(secret)).map(({ prompt }) => prompt)
  expect(order('one')).toEqual(order('one'))
  expect(order('one')).not.toEqual(order('two'))
})

test('gold is made of the versions’ own answers: one dominates the other, the clearest pairs come first', () => {
  const metrics = [
    { name: 'first', kind: 'fields' as const, separator: ' | ', fields: [0] },
    { name: 'second', kind: 'fields' as const, separator: ' | ', fields: [1] },
    { name: 'surprise', kind: 'perplexity' as const },
  ]
  const tries = (...texts: string[]) => Array.from({ length: GOLD_TRIES }, (_, at) => texts[at % texts.length] ?? '')
  const given = items(4)
  const answers = {
    first: [...tries('a | 0'), ...tries('a | 9', 'b | 9'), ...tries('a | 9'), ...tries('b | 9')],
    second: [...tries('a | 0'), ...tries('a | 1'), ...tries('b | 2'), ...tries('a | 9')],
  }
  const gold = clearestGold(given, answers, metrics, 9)
  expect(gold).toEqual([
    { item: item(1), answers: ['b | 9', 'a | 1'], better: 1 },
    { item: item(3), answers: ['b | 9', 'a | 9'], better: 1 },
  ])
  expect(clearestGold(given, answers, metrics, 1)).toEqual(gold.slice(0, 1))
  const same = { first: tries('x'), second: tries('x') }
  expect(() => clearestGold(items(1), same, metrics, 1)).toThrow(/No item of the gold pool can be used/)
})
