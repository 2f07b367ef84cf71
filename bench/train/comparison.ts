import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeAdapter } from '#engine/formats/adapter.ts'
import { writeCheckpoint } from '#engine/formats/checkpoint.ts'
import { writeConfig } from '#engine/model/config.ts'
import { initialAdapter, loraConfig } from '#engine/model/lora.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { Random } from '#math/random.ts'
import { type BenchReport, type Figure, figure, ratio } from '../report.ts'
import type { Case } from './cases.ts'
import { TrainingProcess } from './trainingProcess.ts'

const UNIT = 'tokens/s'
const ROUNDS = 4
const LEARNING_RATE = 1e-3
/** Steps that are not measured: the first one compiles. */
const WARM_UP = 2
const OURS = 'ours'

/** The command of each implementation, given the folder with `model` and `adapter`; the others are compared with `ours`. */
export type Implementations = Readonly<Record<string, (folder: string) => readonly [string, ...string[]]>>

/** The command of our implementation. */
export const ours =
  (device: string, threads: number) =>
  (folder: string): [string, ...string[]] => [
    process.execPath,
    '--import',
    'tsx',
    join(import.meta.dirname, 'ours.ts'),
    folder,
    device,
    String(threads),
  ]

/**
 * All implementations fine-tune the same adapter on the same batch, in turns of a few steps, so that other load on the
 * machine affects all of them equally. @throws Error when a loss differs from ours by more than `tolerance`: then the work
 * is not the same.
 */
export async function compareTraining(
  name: string,
  each: Case,
  implementations: Implementations,
  report: BenchReport,
  tolerance: number,
): Promise<void> {
  const { config, batch, length, stepsPerTurn } = each
  const folder = await mkdtemp(join(tmpdir(), 'bench-train-'))
  const running: TrainingProcess[] = []
  try {
    const random = new Random(name)
    const rows = Array.from({ length: batch }, () =>
      Array.from({ length: length + 1 }, () => random.integer(config.vocab_size)),
    )
    const lora = { ...loraConfig({ rank: 8, alpha: 16 }), dropout: 0, taskType: 'CAUSAL_LM', baseModel: null } as const
    const weights = initialWeights(config, name)
    await writeCheckpoint(join(folder, 'model'), { config: writeConfig(config), weights })
    const adapter = initialAdapter(config, lora, name)
    await writeAdapter(join(folder, 'adapter'), { ...lora, modulesToSave: [], weights: adapter })

    for (const [title, command] of Object.entries(implementations))
      try {
        const trainingProcess = await TrainingProcess.start(title, command(folder), {
          rows,
          learningRate: LEARNING_RATE,
        })
        running.push(trainingProcess)
        await trainingProcess.steps(WARM_UP)
      } catch (error) {
        if (title === OURS) throw error
        report.absent.push(`${title} ${name}: ${(error as Error).message}`)
        running.find((one) => one.name === title)?.stop()
        running.splice(0, running.length, ...running.filter((one) => one.name !== title))
      }
    for (let round = 0; round < ROUNDS; round++)
      for (const trainingProcess of running) await trainingProcess.steps(stepsPerTurn)

    const [mine, ...peers] = running as [TrainingProcess, ...TrainingProcess[]]
    const rate = ({ seconds }: TrainingProcess): Figure => {
      const rates = seconds.slice(WARM_UP).map((time) => (batch * length) / time)
      return figure(rates, UNIT)
    }
    const stepTime = ({ seconds }: TrainingProcess): Figure =>
      figure(
        seconds.slice(WARM_UP).map((time) => 1000 * time),
        'ms a step',
      )
    const memory = ({ peakMiB }: TrainingProcess): Figure => figure([peakMiB], 'MiB peak')
    const own = rate(mine)
    report.ours[name] = own
    report.ours[`${name} step`] = stepTime(mine)
    report.ours[`${name} memory`] = memory(mine)
    const print = ({ name: who, peakMiB }: TrainingProcess, { median }: Figure, rest = '') =>
      console.log(`${name}: ${who} ${median} ${UNIT}, at most ${Math.round(peakMiB)} MiB${rest}`)
    print(mine, own)
    for (const peer of peers) {
      const found = rate(peer)
      report.peers[peer.name] = {
        ...report.peers[peer.name],
        [name]: found,
        [`${name} step`]: stepTime(peer),
        [`${name} memory`]: memory(peer),
      }
      report.ratios[`${peer.name} ${name}`] = ratio(own, found)
      report.ratios[`${peer.name} ${name} memory`] = ratio(memory(mine), memory(peer), { lower: true })
      const difference = Math.max(
        ...mine.losses.map((loss, step) => Math.abs(loss - (peer.losses[step] ?? Number.NaN))),
      )
      print(peer, found, `; ${mine.losses.length} losses differ by at most ${difference.toExponential(1)}`)
      if (!(difference <= tolerance))
        throw new Error(`${peer.name} ${name}: the losses differ by ${difference}, so it is not the same training.`)
    }
  } finally {
    for (const trainingProcess of running) trainingProcess.stop()
    await rm(folder, { recursive: true })
  }
}
