import { join } from 'node:path'
import { codeHash } from '#epochs/codeHash.ts'
import { attributionWeights, harmSlash, influenceInUnits, recordInfluence } from '#rules/attribution.ts'
import { contentsHash } from '#rules/sample.ts'
import { manifestDocument, putDocument } from '#schema/documents.ts'
import { storeFolder } from '#schema/folders.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import type { Contribution } from '#schema/onchain/datanets.ts'
import { row } from '#schema/rows.ts'
import { earlierContent, influenceAdded } from '../addedInfluence.ts'
import type { ChainClient } from '../chain.ts'
import { keepCheckpointOf, TRAINING_CHECKPOINT } from '../checkpointDataset.ts'
import { type Dependencies, forwardProgress, storeAs } from '../dependencies.ts'
import { JobError, type JobHandler } from '../job.ts'
import {
  fetchAdapter,
  fetchBaseModel,
  loadItems,
  loadMandatedModel,
  loadVersion,
  sourcesOf,
  trainingContributions,
} from '../modelLookup.ts'
import { registerVersion } from '../registerVersion.ts'
import { requireLicences } from '../requireLicences.ts'
import { loadSample } from '../samples.ts'

/** Trains an adapter on the accepted contributions, measures the influence of each on the validation set, and registers the version on
 *  chain. */
export const fineTuneHandler =
  (dependencies: Dependencies): JobHandler<'fineTune'> =>
  async (job) => {
    const { input } = job
    const sources = sourcesOf(job, dependencies)
    const facts = await loadMandatedModel(sources, input.modelId)
    const parent = input.parentVersionId ? await loadVersion(sources, input.parentVersionId) : undefined
    if (parent && parent.version.modelId !== input.modelId)
      throw new JobError(
        'WRONG_PARENT',
        `Version ${parent.version.id} belongs to model ${parent.version.modelId}, not ${input.modelId}.`,
      )
    await requireLicences(job.db, facts.specification, [input.datanetId])
    const contributions = await trainingContributions(job.db, input.datanetId)
    if (contributions.length === 0)
      throw new JobError(
        'NO_DATA',
        `Datanet ${input.datanetId} has no accepted contributions. Score it first (mutation scoreDatanet), or wait for more contributions.`,
      )
    const samples = await Promise.all(contributions.map((one) => loadSample(job.artifacts, one.contentHash)))
    const base = await fetchBaseModel(sources, facts)

    const datasetRoot = contentsHash(contributions.map((one) => one.contentHash as `0x${string}`))
    await keepCheckpointOf(job.checkpointFolder, datasetRoot)
    const halfwayFolder = join(job.checkpointFolder, 'halfway')
    const trained = await dependencies.engine.run(
      'fineTune',
      {
        baseFolder: base,
        adapterFolder: parent && (await fetchAdapter(sources, parent)),
        samples,
        lora: { rank: input.rank, alpha: input.alpha },
        training: {
          epochs: input.epochs,
          batchSize: input.batchSize,
          learningRate: input.learningRate,
          seed: input.seed,
        },
        checkpointFile: join(job.checkpointFolder, TRAINING_CHECKPOINT),
        outFolder: join(job.checkpointFolder, 'adapter'),
        halfwayFolder,
      },
      forwardProgress(job, 0, 0.7, 'training'),
    )
    const adapterHash = await storeFolder(storeAs(job, 'adapter', 'application/octet-stream'), trained.adapterFolder)

    const validation = await loadItems(sources, facts.rubric.validation)
    const content = await earlierContent(sources, contributions, () => job.alive())
    const others = await Promise.all(content.elsewhere.map((one) => loadSample(job.artifacts, one.contentHash)))
    const sketchFile = join(job.checkpointFolder, 'sketches')
    const measured = await dependencies.engine.run(
      'influence',
      {
        baseFolder: base,
        adapterFolder: trained.adapterFolder,
        earlierAdapterFolders: [halfwayFolder],
        samples,
        others,
        validation,
        sketchFile,
      },
      forwardProgress(job, 0.7, 0.95, 'measuring influence'),
    )
    const influenceOf = (contributionId: string, index: number) => {
      const influence = measured.influences[index]
      if (!influence) throw new Error(`The engine measured no influence of contribution ${contributionId}.`)
      const { mean, standardError } = influence
      return recordInfluence({ contributionId, influence: mean, standardError }, validation.length)
    }
    const recorded = contributions.map((one, index) => ({
      ...influenceOf(one.id, index),
      uniqueness: BigInt(one.uniqueness ?? 0),
      contributor: one.contributor,
    }))
    const earlier = content.elsewhere.map(({ id }, index) => influenceOf(id, contributions.length + index))
    const { weights, harmful } = attributionWeights(influenceAdded(content, recorded, earlier, validation.length))
    const weighted = weights.flatMap((weight, index) => {
      const influence = recorded[index]
      return influence ? [{ ...influence, ...weight }] : []
    })
    const harms = new Set(harmful.map((one) => one.contributionId))

    job.report(0.95, 'registering the version')
    const { rank, alpha, epochs, batchSize, learningRate, seed } = input
    const manifestHash = await putDocument(storeAs(job, 'manifest'), manifestDocument, {
      modelId: input.modelId,
      parentVersionId: input.parentVersionId ?? null,
      method: 'sft',
      baseModel: facts.specification.baseModel,
      adapter: adapterHash,
      datasetRoot,
      dataset: contributions.map((one) => one.id),
      evidence: [],
      configuration: { rank, alpha, epochs, batchSize, learningRate, seed },
      metrics: { finalLoss: trained.finalLoss, steps: trained.steps, tokens: trained.tokens },
      sketches: await storeAs(job, 'sketches', 'application/octet-stream').putFile(sketchFile),
      weights: weighted.map((one) => ({
        contributionId: one.contributionId,
        contributor: one.contributor,
        influence: one.influence.toString(),
        standardError: one.standardError.toString(),
        weight: one.weight.toString(),
        standing: one.standing.toString(),
        reason: one.reason,
      })),
      ...(earlier.length > 0 && {
        earlier: earlier.map(({ contributionId, influence, standardError }) => ({
          contributionId,
          influence: influence.toString(),
          standardError: standardError.toString(),
        })),
      }),
      codeHash: await codeHash(),
    })
    const { modelId, parentVersionId } = input
    const versionId = await registerVersion(job, {
      modelId,
      parentVersionId,
      method: 'sft',
      datasetRoot,
      manifestHash,
      adapterHash,
      priceWei: input.priceWei,
    })
    await slashHarm(
      job.chain,
      contributions.filter((one) => harms.has(one.id)),
      manifestHash,
    )
    const counted = weighted.filter((one) => one.weight > 0n).length
    return {
      result: {
        versionId,
        adapterHash,
        manifestHash,
        samples: samples.length,
        counted,
        harmful: harms.size,
        finalLoss: trained.finalLoss,
      },
      rows: weighted.map((one) =>
        row(VersionInfluence, {
          id: `${versionId}-${one.contributionId}`,
          versionId,
          contributionId: one.contributionId,
          influence: influenceInUnits(one.influence),
          standardError: influenceInUnits(one.standardError),
          significant: one.weight > 0n,
          harmful: harms.has(one.contributionId),
          weight: Number(one.weightPpm),
        }),
      ),
    }
  }

/** Slashes the stake of samples that clearly harmed the validation set (rule 4). */
async function slashHarm(chain: ChainClient, harmful: Contribution[], evidenceHash: string) {
  for (const { id, stake } of harmful) {
    const slashed = harmSlash(stake)
    if (slashed > 0n)
      await chain.transact(`harm:${id}:${evidenceHash}`, {
        contract: 'DatanetRegistry',
        functionName: 'slash',
        args: [BigInt(id), slashed, evidenceHash as `0x${string}`],
      })
  }
}
