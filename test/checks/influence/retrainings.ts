import { influenceMatrix } from '#engine/explain/influence.ts'
import type { Weights } from '#engine/formats/weights.ts'
import { loraConfig, mergeAdapter } from '#engine/model/lora.ts'
import { SequenceScorer } from '#engine/model/scorer.ts'
import type { ConfidenceInterval } from '#engine/stats/estimate.ts'
import { bootstrapInterval, rankCorrelation } from '#engine/stats/test/comparison.ts'
import { TrainingRun } from '#engine/train/run.ts'
import { type SupervisedExample, supervised } from '#engine/train/supervised.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { Random } from '#math/random.ts'
import { meanOf } from '#math/summary.ts'
import { Bm25 } from './bm25.ts'
import { RANK } from './mislabelled.ts'
import { base, type Labelled } from './skill.ts'

const TRAINING = { epochs: 4, batchSize: 16, learningRate: 0.001 } as const

/** A linear datamodelling score: the mean over the targets, with its 95 % bootstrap interval over the targets. */
export interface DatamodellingScore extends ConfidenceInterval {
  mean: number
}

export interface DatamodellingScores {
  retrainings: number
  samples: number
  targets: number
  influence: DatamodellingScore
  bm25: DatamodellingScore
  random: DatamodellingScore
  /** Our score minus the other score, for each target. */
  overBm25: DatamodellingScore
  overRandom: DatamodellingScore
}

/**
 * Linear datamodelling score (Park et al., "TRAK", 2023): models are retrained on random halves of the samples. The score of a target is
 * the rank correlation, over these models, of the target's loss and the summed influences of the samples in the half. `start` has
 * learned the skill from other samples: the score measures what the samples of the pool add.
 */
export async function scoreRetrainings(
  pool: Labelled,
  targets: Labelled,
  start: { rank: number; adapter: Weights },
  { seed, retrainings, say }: { seed: number; retrainings: number; say(line: string): void },
): Promise<DatamodellingScores> {
  const { config, weights: raw } = await base()
  const weights = mergeAdapter(raw, loraConfig({ rank: start.rank }), start.adapter)
  const lora = loraConfig({ rank: RANK })
  const { rows } = pool
  const trainer = new Trainer({ config, weights, lora, objective: supervised, seed, microBatch: TRAINING.batchSize })
  const fresh = await trainer.state()
  const scorer = new SequenceScorer({ config, weights, lora, adapter: await trainer.parameters() })
  const train = async (examples: readonly SupervisedExample[]) => {
    trainer.restore(fresh)
    let half: Weights | undefined
    for await (const { step, steps } of new TrainingRun(trainer, { ...TRAINING, examples }).start())
      if (step === Math.ceil(steps / 2)) half = await trainer.parameters()
    if (!half) throw new Error('The training had no steps.')
    return { half, end: await trainer.parameters() }
  }
  try {
    const { half, end } = await train(rows)
    const model = { config, weights, lora, adapter: end }
    const influence = await influenceMatrix(model, rows, targets.rows, { earlierAdapters: [half] })
    say(`influence of ${rows.length} samples on ${targets.rows.length} targets measured`)
    const index = new Bm25<number>(rows.map(({ ids }) => Array.from(ids)))
    const bm25 = targets.rows.map(({ ids }) => index.scores(Array.from(ids)))
    const chance = new Random(`chance/${seed}`)
    const random = targets.rows.map(() => Float64Array.from(rows, () => chance.uniform()))

    const draw = new Random(`halves/${seed}`)
    const chosen: Int32Array[] = []
    const losses: number[][] = []
    for (let round = 0; round < retrainings; round++) {
      const half = draw.permutation(rows.length).slice(0, rows.length >> 1)
      chosen.push(half.sort())
      scorer.setAdapter((await train(Array.from(half).flatMap((index) => rows[index] ?? []))).end)
      const found = await scorer.logProbabilities(targets.rows.map(({ ids }) => ids))
      losses.push(found.map((values, t) => -meanOf(values.filter((_, at) => targets.rows[t]?.mask[at + 1] === 1))))
      if ((round + 1) % 8 === 0) say(`retrained ${round + 1} of ${retrainings} times`)
    }
    const score = (effects: readonly Float64Array[]) =>
      targets.rows.map((_, t) =>
        rankCorrelation(
          chosen.map((half) => half.reduce((sum, index) => sum + (effects[t]?.[index] ?? Number.NaN), 0)),
          losses.map((one) => -(one[t] ?? Number.NaN)),
        ),
      )
    const [ours, words, dice] = [score(influence), score(bm25), score(random)]
    const interval = (values: readonly number[], name: string): DatamodellingScore => ({
      mean: meanOf(values),
      ...bootstrapInterval(values, meanOf, { random: new Random(`${name}/${seed}`) }),
    })
    const less = (other: readonly number[]) => ours.map((value, t) => value - (other[t] ?? Number.NaN))
    return {
      retrainings,
      samples: rows.length,
      targets: targets.rows.length,
      influence: interval(ours, 'influence'),
      bm25: interval(words, 'bm25'),
      random: interval(dice, 'random'),
      overBm25: interval(less(words), 'overBm25'),
      overRandom: interval(less(dice), 'overRandom'),
    }
  } finally {
    await Promise.all([trainer.release(), scorer.release()])
  }
}
