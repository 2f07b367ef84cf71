import { normalQuantile } from '#math/distributions.ts'
import { meanOf, sampleVariance } from '#math/summary.ts'
import { type Attack, GAS_PRICE } from './attacks/attack.ts'
import { ATTACKS } from './attacks/index.ts'
import { judgementAttacks } from './attacks/judgement.ts'
import { MONEY_ATTACKS } from './attacks/money/index.ts'
import { judgeAttempts, type MoneyRow } from './attacks/money/judgeAttempts.ts'
import { type Attempted, MANY_SEEDS, type MoneyAttack } from './attacks/money/moneyAttack.ts'
import { closeWorlds } from './attacks/money/worlds.ts'

interface Row {
  attack: string
  measure: string
  before: number
  after: number
  worst: number
  limit: number | null
}

/**
 * `npm run check -- attacks [--seeds N] [--only WORD]`: plays every attack, or those whose name has the word, or those on `judgement` or `money`, and prints two tables. Of the attacks on data and judgement, what they gain, on average without and with
 * the rules, and at most with the rules (where chance plays: the upper confidence bound of the mean, 99.9 %); of those on money, who gains what without and with the rules, and stops whom. With `json`, the last line is one JSON
 * object. @returns whether no attack gains more than its limit or its gas, or stops anybody.
 */
export async function checkAttacks(seeds: number, only?: string, json = false): Promise<boolean> {
  const chosen = <A extends { name: string }>(attacks: readonly A[]) =>
    attacks.filter((attack) => only === undefined || attack.name.includes(only) || GROUPS[only]?.includes(attack))
  const data = await playData(chosen(ATTACKS), seeds)
  const money = await playMoney(chosen(MONEY_ATTACKS), seeds).finally(closeWorlds)
  const ok = data.every(({ worst, limit }) => limit === null || worst <= limit) && money.every((row) => row.ok)
  if (json) console.log(JSON.stringify({ check: 'attacks', ok, seeds, rows: data, money }))
  return ok
}

const GROUPS: Readonly<Record<string, readonly { name: string }[]>> = {
  judgement: judgementAttacks,
  money: MONEY_ATTACKS,
}

/** Where no chance plays, more seeds show nothing new: there are five kinds of samples. */
const SEEDS_WITHOUT_CHANCE = 40

async function playData(attacks: readonly Attack[], seeds: number): Promise<Row[]> {
  const rows: Row[] = []
  if (attacks.length === 0) return rows
  console.log(
    `| attack on data or judgement (${seeds} seeds, at most ${SEEDS_WITHOUT_CHANCE} where no chance plays) | measure | without the rule | with the rule | at most | limit |`,
  )
  console.log('|---|---|---|---|---|---|')
  for (const attack of attacks) {
    const row = await rowOf(attack, seeds)
    rows.push(row)
    const numbers = [row.before, row.after, row.worst].map((value) => value.toFixed(2))
    console.log(`| ${[row.attack, row.measure, ...numbers, row.limit ?? 'not stopped'].join(' | ')} |`)
  }
  return rows
}

async function rowOf({ name, measure, limit, chance, play }: Attack, seeds: number): Promise<Row> {
  const before: number[] = []
  const after: number[] = []
  for (let seed = 1; seed <= (chance ? seeds : Math.min(seeds, SEEDS_WITHOUT_CHANCE)); seed++) {
    const one = await play(seed)
    before.push(one.before)
    after.push(one.after)
  }
  const worst = chance ? meanOf(after) + marginOf(after) : Math.max(...after)
  return { attack: name, measure, before: meanOf(before), after: meanOf(after), worst, limit: limit ?? null }
}

/** How far the mean of what random plays gained may be from the expectation: one-sided, 99.9 %. */
export const marginOf = (gained: readonly number[]): number =>
  gained.length < 2 ? Infinity : normalQuantile(0.999) * Math.sqrt(sampleVariance(gained) / gained.length)

async function playMoney(attacks: readonly MoneyAttack[], seeds: number): Promise<MoneyRow[]> {
  const rows: MoneyRow[] = []
  if (attacks.length === 0) return rows
  console.log('')
  console.log(
    `What attackers pay → gain, on average; the upper bound of the mean profit (99 %), less what the rules leave to them; gas at ${Number(GAS_PRICE) / 1e9} gwei.`,
  )
  console.log(
    '| attack on money | by | seeds | without the rule | with the rule | left | profit at most | gas | stops |',
  )
  console.log('|---|---|--:|--:|--:|--:|--:|--:|---|')
  for (const attack of attacks) {
    const played: Attempted[] = []
    const wanted = attack.seeds >= MANY_SEEDS ? Math.max(seeds, attack.seeds) : attack.seeds
    for (let seed = 1; seed <= wanted; seed++) played.push(await attack.play(seed))
    const row = judgeAttempts(attack, played)
    rows.push(row)
    const { what, without, with: now } = row.stopped
    const stops = what && `${shown(without)} → ${shown(now)} ${what}`
    const laws = [row.without, row.with].map(({ paid, gained }) => `${written(paid)} → ${written(gained)}`)
    const amounts = [row.left, row.upper, row.gas].map(written)
    console.log(
      `| ${[row.attack, row.attacker, row.seeds, ...laws, ...amounts, stops].join(' | ')} |${row.ok ? '' : ' ✗'}`,
    )
  }
  return rows
}

const UNITS = [
  { name: '', wei: 1e18, least: 1e15 },
  { name: ' gwei', wei: 1e9, least: 1e6 },
  { name: ' wei', wei: 1, least: 0 },
]

/** An amount with two digits, in gOPEN where no unit stands. */
function written(wei: number): string {
  const unit = UNITS.find(({ least }) => Math.abs(wei) >= least)
  if (!unit || wei === 0) return '0'
  return `${Number((wei / unit.wei).toPrecision(2))}${unit.name}`
}

const shown = (count: number) => Number(count.toFixed(2))
