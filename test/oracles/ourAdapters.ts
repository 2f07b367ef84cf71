import { join } from 'node:path'
import { type Adapter, writeAdapter } from '#engine/formats/adapter.ts'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import { parseConfig } from '#engine/model/config.ts'
import { initialAdapter, loraConfig } from '#engine/model/lora.ts'
import { Random } from '#math/random.ts'

const GOLDEN = join(import.meta.dirname, 'golden')

/** Models in `golden/`; each has one of our adapters in its folder `ours`. */
export const adapted = ['llama', 'reward'] as const

export const folderOf = (model: (typeof adapted)[number]): string => join(GOLDEN, model)

/** An adapter like a trained one, with seeded values: on every module, rank-stabilised; for the reward model also a score head. */
export async function ourAdapter(model: (typeof adapted)[number]): Promise<Adapter> {
  const config = parseConfig((await readCheckpoint(folderOf(model))).config)
  const lora = loraConfig({ rank: 3, alpha: 5, rankStabilised: true })
  const weights = initialAdapter(config, lora, model)
  const random = new Random(`${model}/trained`)
  for (const [name, { data }] of weights) if (name.endsWith('lora_B.weight')) random.fork(name).fillNormal(data, 0.3)
  const scored = model === 'reward'
  if (scored) {
    const data = new Float32Array(config.hidden_size)
    random.fork('score').fillNormal(data, 0.5)
    weights.set('score.weight', { shape: [1, config.hidden_size], data })
  }
  return {
    ...lora,
    dropout: 0.05,
    modulesToSave: scored ? ['score'] : [],
    taskType: scored ? 'SEQ_CLS' : 'CAUSAL_LM',
    baseModel: null,
    weights,
  }
}

if (process.argv[1] === import.meta.filename)
  for (const model of adapted)
    await writeAdapter(join(folderOf(model), 'ours'), await ourAdapter(model), { replace: true })
