import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadAdapter } from '#engine/tasks/models.ts'
import { findMislabelled, RANK } from './influence/mislabelled.ts'
import { scoreRetrainings } from './influence/retrainings.ts'
import { base, labelled } from './influence/skill.ts'

const MIN_AREA = 0.9

/**
 * `npm run check -- influence [--seed S]`: tests whether influence finds flipped labels, and whether it predicts the effect of retraining
 * without samples. The last line of the output is one JSON object. @returns whether the area is at least 0.9 and the datamodelling
 * score is better than that of BM25 and of chance, with the intervals of both differences above 0.
 */
export async function checkInfluence(seed: number): Promise<boolean> {
  const begin = performance.now()
  const seconds = () => Math.round((performance.now() - begin) / 1000)
  const say = (line: string) => console.log(`[${String(seconds()).padStart(4)} s] ${line}`)
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-influence-'))
  try {
    const training = await labelled(seed, 'samples', { count: 800, flip: true })
    const validation = await labelled(seed, 'validation', { count: 128 })
    const mislabelled = await findMislabelled(training, validation, { seed, folder, say })

    const pool = await labelled(seed, 'samples', { from: 800, count: 256, flip: true })
    const targets = await labelled(seed, 'fresh', { count: 48 })
    const { weights: adapter } = await loadAdapter(await base(), join(folder, 'adapter'))
    const datamodelling = await scoreRetrainings(pool, targets, { rank: RANK, adapter }, { seed, retrainings: 40, say })
    const { influence, bm25, random, overBm25, overRandom } = datamodelling
    say(
      `linear datamodelling score: influence ${influence.mean.toFixed(3)}, BM25 ${bm25.mean.toFixed(3)}, random ${random.mean.toFixed(3)}`,
    )
    const ok = mislabelled.influence >= MIN_AREA && overBm25.low > 0 && overRandom.low > 0
    console.log(JSON.stringify({ check: 'influence', seed, ok, mislabelled, datamodelling, seconds: seconds() }))
    return ok
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
