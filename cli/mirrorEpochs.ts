import { checkEpoch } from '#epochs/checkEpoch.ts'
import type { EpochSources } from '#epochs/epochSources.ts'
import {
  ArtifactError,
  type ArtifactStore,
  folderObjects,
  type GetOptions,
  localArtifacts,
} from '#schema/artifacts/index.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowsOf } from '#schema/rows.ts'
import { onOwnIndex } from './ownIndex.ts'

export interface MirroredEpoch {
  epoch: number
  /** Artifacts that were copied now, and those that the folder had. */
  copied: number
  present: number
  /** Why the epoch's root was not confirmed. The copy may lack artifacts then. */
  problem?: string
}

/** Copies every artifact that the verification of the epochs reads (their maps with all pages, the usage documents that these name, the manifests) into the folder `to`, by verifying them. */
export async function* mirrorEpochs(
  { artifacts, ...sources }: EpochSources,
  to: string,
  epoch?: number,
): AsyncGenerator<MirroredEpoch> {
  const published = await rowsOf(sources.sql, RewardMap, "status = 'Published'", [], { orderBy: 'epoch' })
  const epochs = epoch === undefined ? published.map((one) => one.epoch) : [epoch]
  for (const one of epochs) {
    const copy = copying(artifacts, to)
    const problem = await checkEpoch({ ...sources, artifacts: copy }, one, copy.keep).then(
      ({ difference }) =>
        difference
          ? `its map is wrong at ${difference.place}: published ${difference.published}, recomputed ${difference.recomputed}`
          : undefined,
      (error: Error) => error.message,
    )
    yield { epoch: one, ...copy.counts, ...(problem !== undefined && { problem }) }
  }
}

/** Reads from the folder `to`, and what is missing or damaged there from `source`, of which it keeps a copy. */
function copying(source: Pick<ArtifactStore, 'get'>, to: string) {
  const objects = folderObjects(to)
  const target = localArtifacts(to, objects)
  const counts = { copied: 0, present: 0 }
  const seen = new Set<string>()
  const count = (name: string, kind: keyof typeof counts) => {
    if (!seen.has(name)) counts[kind]++
    seen.add(name)
  }
  /** Stores what could not be read, for this reason. */
  const store = async (name: string, bytes: Uint8Array, reason: unknown) => {
    if (!(reason instanceof ArtifactError)) throw reason
    if (reason.code === 'corrupt') await objects.delete(name)
    await target.put(bytes)
    count(name, 'copied')
  }
  return {
    counts,
    /** Keeps a page, which was computed: nobody needs to have it. */
    async keep(name: string, bytes: Uint8Array): Promise<void> {
      try {
        await target.get(name)
        count(name, 'present')
      } catch (error) {
        await store(name, bytes, error)
      }
    },
    async get(name: string, options?: GetOptions): Promise<Uint8Array> {
      try {
        const bytes = await target.get(name, options)
        count(name, 'present')
        return bytes
      } catch (error) {
        if (!(error instanceof ArtifactError)) throw error
        const bytes = await source.get(name, options)
        await store(name, bytes, error)
        return bytes
      }
    },
  }
}

/** `modelcommons mirror`: exits with 1 when an epoch could not be copied or its root is wrong. */
export async function mirror({ to, epoch }: { to: string; epoch?: number }): Promise<void> {
  await onOwnIndex({}, async (own) => {
    let epochs = 0
    for await (const { epoch: number, copied, present, problem } of mirrorEpochs(own, to, epoch)) {
      epochs++
      const counts = `${copied} artifacts copied, ${present} were there`
      if (problem === undefined) console.log(`Epoch ${number}: ${counts}; its root is right.`)
      else {
        console.error(`Epoch ${number}: ${counts}; ${problem}`)
        process.exitCode = 1
      }
    }
    if (epochs === 0) console.log('No epoch is published on this chain yet.')
  })
}
