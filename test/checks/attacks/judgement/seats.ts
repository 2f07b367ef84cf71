import { keccak256, stringToBytes } from 'viem'
import { Random } from '#math/random.ts'
import { chanceFactor, hasSeat, seatHash } from '#rules/seats.ts'
import type { Attack } from '../attack.ts'
import { honestJudges } from './judges.ts'
import { drawTask, SEATS, type SimulatedJudge, STAKE } from './round.ts'

const TASKS = 30
const GROUND = 100
const USED = 10

/** Somebody tries many addresses and stakes with those that have the most seats. The draw counts stakes as of before its seed was known. */
export const groundAddresses: Attack = {
  name: 'ground addresses',
  measure: 'seats of ten ground addresses, in units of what their stake stands for',
  limit: 1.05,
  chance: true,
  play(seed) {
    const stake = STAKE / BigInt(USED)
    const round = { seats: SEATS, totalStake: 10n * STAKE }
    const drawn = keccak256(stringToBytes(`ground ${seed}`))
    const seats = Array.from({ length: GROUND }, (_, at) => {
      const account = `0x${keccak256(stringToBytes(`ground ${seed}/${at}`)).slice(-40)}` as const
      const tasks = Array.from({ length: TASKS }, (_, id) => BigInt(id))
      return tasks.filter((taskId) => hasSeat(round, { hash: seatHash(drawn, taskId, account), stake, stage: 0n }))
        .length
    })
    const fair = (Number(SEATS) * TASKS * Number(STAKE)) / Number(round.totalStake)
    const sum = (some: number[]) => some.reduce((total, count) => total + count, 0) / fair
    return { before: sum([...seats].sort((a, b) => b - a).slice(0, USED)), after: sum(seats.slice(0, USED)) }
  },
}

/** Stakes that never commit. The threshold rises until the tasks are judged. */
const absent = (name: string, judgesOf: (random: Random) => readonly SimulatedJudge[]): Attack => ({
  name,
  measure: 'share of the seats that stay empty',
  limit: 0.05,
  play(seed) {
    const random = new Random(`absent/${seed}`)
    const judges = judgesOf(random)
    const round = { seats: SEATS, totalStake: judges.reduce((sum, { stake }) => sum + stake, 0n) }
    let [first, last] = [0, 0]
    for (let id = 0; id < TASKS; id++) {
      const { seated, stage } = drawTask(judges, round, random)
      const empty = Math.max(0, 1 - seated.length / Number(SEATS))
      last += empty / TASKS
      // Without rising thresholds only the share of the first stage would have come.
      first += (1 - Math.min(seated.length / Number(SEATS), 1) / Number(chanceFactor(stage))) / TASKS
    }
    return { before: first, after: last }
  },
})

/** Six of ten stakes are absent. */
export const absentMajority = absent('absent majority', (random) =>
  honestJudges(20, random).map((judge, at) => ({ ...judge, present: at < 8 })),
)

/** Who has a thousand times the stake of all others stakes it for the opening of the round only. */
export const absentWhale = absent('absent whale', (random) =>
  honestJudges(21, random).map((judge, at) => (at < 20 ? judge : { ...judge, stake: 20_000n * STAKE, present: false })),
)
