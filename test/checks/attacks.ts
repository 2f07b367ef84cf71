import type { Attack } from './attacks/attack.ts'
import { ATTACKS } from './attacks/index.ts'

interface Row {
  attack: string
  measure: string
  before: number
  after: number
  worst: number
  limit: number | null
}

/**
 * `npm run check -- attacks [--seeds N] [--only WORD]`: plays every attack and prints a table of what it gains: on average without and with
 * the rules, and at most with the rules. With `json`, the last line is one JSON object. @returns whether no attack gains more than its limit.
 */
export async function checkAttacks(seeds: number, only?: string, json = false): Promise<boolean> {
  const played = ATTACKS.filter(({ name }) => only === undefined || name.includes(only))
  const rows: Row[] = []
  console.log(`| attack (${seeds} seeds) | measure | without the rule | with the rule | at most | limit |`)
  console.log('|---|---|---|---|---|---|')
  for (const attack of played) {
    const row = await rowOf(attack, seeds)
    rows.push(row)
    const numbers = [row.before, row.after, row.worst].map((value) => value.toFixed(2))
    console.log(`| ${[row.attack, row.measure, ...numbers, row.limit ?? 'not stopped'].join(' | ')} |`)
  }
  const ok = rows.every(({ worst, limit }) => limit === null || worst <= limit)
  if (json) console.log(JSON.stringify({ check: 'attacks', ok, seeds, rows }))
  return ok
}

async function rowOf({ name, measure, limit, play }: Attack, seeds: number): Promise<Row> {
  let [before, after, worst] = [0, 0, 0]
  for (let seed = 1; seed <= seeds; seed++) {
    const one = await play(seed)
    before += one.before / seeds
    after += one.after / seeds
    worst = Math.max(worst, one.after)
  }
  return { attack: name, measure, before, after, worst, limit: limit ?? null }
}
