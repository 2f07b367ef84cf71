import { formatEther } from 'viem'
import { withDistances } from './chainTime.ts'

/** Results of the commands of people as lines for people: amounts in tokens, moments as dates with their distance from the chain’s time. `--json` prints them as they are. */

/** By the names of their fields, in wei: those that are always of gOPEN, votes, and those whose wei stand beside, as programs read them. */
const AMOUNTS = new Set([
  'minStake',
  'stake',
  'forfeited',
  'slashed',
  'earned',
  'balance',
  'owed',
  'reserved',
  'withdrawing',
  'priceIn',
  'priceOut',
  'bond',
  'fee',
  'fees',
  'penalty',
  'reward',
])
const VOTES = new Set(['forVotes', 'againstVotes', 'abstainVotes', 'quorumNeeded'])
const RAW_AMOUNTS = new Set(['wei', 'amount'])
/** What is a moment as a whole: texts of others may have one in them. */
const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/
/** In seconds. */
const MOMENTS = new Set(['voteStart', 'voteEnd'])
const FIRST_MOMENT = 1_000_000_000

export const plainJson = (_: string, value: unknown) =>
  typeof value === 'bigint' ? value.toString() : value instanceof Map ? Object.fromEntries(value) : value

/** One line, without what is not there. `now`: the chain's time, in milliseconds, where it is known. */
export const lineOf = (row: object, now?: number): string =>
  Object.entries(row)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name} ${shown(name, value, now)}`)
    .join('  ')

function shown(name: string, value: unknown, now?: number): string {
  if (typeof value === 'object') return JSON.stringify(value, plainJson)
  if (typeof value === 'string' && value.includes('\n')) return value.trim().split('\n', 1)[0] ?? ''
  const isWhole = typeof value === 'bigint' || /^\d+$/.test(String(value))
  if (!isWhole) return MOMENT.test(String(value)) ? withDistances(String(value), now) : String(value)
  if (AMOUNTS.has(name)) return `${formatEther(BigInt(String(value)))} gOPEN`
  if (VOTES.has(name)) return formatEther(BigInt(String(value)))
  if (RAW_AMOUNTS.has(name)) return `${value} (${formatEther(BigInt(String(value)))} gOPEN)`
  if (MOMENTS.has(name) && Number(value) >= FIRST_MOMENT)
    return withDistances(new Date(Number(value) * 1000).toISOString(), now)
  return String(value)
}
