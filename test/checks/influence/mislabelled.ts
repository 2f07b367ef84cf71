import { join } from 'node:path'
import { ExampleGradients } from '#engine/explain/gradients.ts'
import { influences } from '#engine/explain/influence.ts'
import { SketchedInfluence } from '#engine/explain/sketchedInfluence.ts'
import { tracIn } from '#engine/explain/test/tracIn.ts'
import { Sketches } from '#engine/stats/sketches.ts'
import { areaUnderCurve } from '#engine/stats/test/comparison.ts'
import { fineTuneTask } from '#engine/tasks/fineTune.ts'
import { gradientSketch, influenceTask } from '#engine/tasks/influence.ts'
import { loadAdapter } from '#engine/tasks/models.ts'
import { BASE_FOLDER, base, type Labelled } from './skill.ts'

export const TRAINING = { epochs: 4, batchSize: 16, learningRate: 0.003 } as const
export const RANK = 16

/** How well each method separates right labels from flipped ones: the area under its ROC curve. */
export interface MislabelledResult {
  samples: number
  flipped: number
  validation: number
  /** The tasks `fineTune` and `influence`, as the lifecycle runs them. */
  influence: number
  /** DataInf at the last checkpoint only, on the plain loss. */
  plain: number
  /** TracIn over both checkpoints. */
  tracIn: number
  /** DataInf between sketches, as it is used for answers. */
  sketches: number
}

/** Fine-tunes on labels of which a fifth are flipped, and tries to find the flipped ones by their influence. */
export async function findMislabelled(
  training: Labelled,
  validation: Labelled,
  { seed, folder, say }: { seed: number; folder: string; say(line: string): void },
): Promise<MislabelledResult> {
  const context = { emit: () => {}, signal: new AbortController().signal }
  const [outFolder, halfwayFolder] = [join(folder, 'adapter'), join(folder, 'halfway')]
  const sketchFile = join(folder, 'sketches')
  const lora = { rank: RANK }
  const samples = training.pairs
  const { finalLoss, steps } = await fineTuneTask(
    { baseFolder: BASE_FOLDER, samples, lora, training: { ...TRAINING, seed }, outFolder, halfwayFolder },
    context,
  )
  say(`trained ${steps} steps on ${samples.length} samples, loss ${finalLoss.toFixed(3)}`)
  const measured = await influenceTask(
    {
      baseFolder: BASE_FOLDER,
      adapterFolder: outFolder,
      earlierAdapterFolders: [halfwayFolder],
      samples,
      validation: validation.pairs,
      sketchFile,
    },
    context,
  )
  const area = (values: readonly { mean: number }[]) =>
    areaUnderCurve(
      values.map(({ mean }) => mean),
      training.right,
    )
  const ours = area(measured.influences)
  say(`influence: mislabelled-data AUC ${ours.toFixed(3)}`)

  const own = await base()
  const { config, weights } = own
  const loaded = await loadAdapter(own, outFolder)
  const half = await loadAdapter(own, halfwayFolder)
  const model = { config, weights, lora: loaded.lora, adapter: loaded.weights }
  const plain = area(await influences(model, training.rows, validation.rows))
  // The cosine schedule is at half of its peak half-way, and near 0 at the end: the last steps started at about a tenth.
  const passed = [
    { adapter: half.weights, learningRate: TRAINING.learningRate / 2 },
    { adapter: loaded.weights, learningRate: TRAINING.learningRate / 10 },
  ]
  const traced = area(await tracIn(model, passed, training.rows, validation.rows))
  say(`at the end and on the loss alone ${plain.toFixed(3)}; TracIn ${traced.toFixed(3)}`)
  const gradients = new ExampleGradients(model)
  const projection = gradientSketch(gradients.sizes.reduce((a, b) => a + b, 0))
  const sketched = await SketchedInfluence.create(await Sketches.read(sketchFile, projection))
  const queries: Float32Array[] = []
  for await (const { index, parts } of gradients.stream(validation.rows)) queries[index] = projection.project(parts)
  const bySketches = area(await sketched.estimate(queries))
  await Promise.all([gradients.release(), sketched.release()])
  say(`by sketches ${bySketches.toFixed(3)}`)
  return {
    samples: samples.length,
    flipped: training.right.filter((right) => !right).length,
    validation: validation.rows.length,
    influence: ours,
    plain,
    tracIn: traced,
    sketches: bySketches,
  }
}
