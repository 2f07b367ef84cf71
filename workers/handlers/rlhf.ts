import { join } from 'node:path'
import { keccak256 } from 'viem'
import { codeHash } from '#epochs/codeHash.ts'
import { documentBytes, getDocument, manifestDocument, promptsDocument, putDocument } from '#schema/documents.ts'
import { storeFolder } from '#schema/folders.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { row, rowsOf } from '#schema/rows.ts'
import { type Dependencies, forwardProgress, storeAs } from '../dependencies.ts'
import { JobError, type JobHandler } from '../job.ts'
import { fetchAdapter, fetchBaseModel, loadVersion, sourcesOf } from '../modelLookup.ts'
import { registerVersion } from '../registerVersion.ts'
import { requireLicences } from '../requireLicences.ts'
import { datanetsOfSamples, loadPreferences, loadTrainedSamples, loadValidation } from './rlhfData.ts'

/** Aligns a version with the preferences of its settled comparisons: by a reward model and policy gradient, or by direct preference
 *  optimisation. It also learns from the version's own samples, and is compared with it on the mandate's validation items. The new version keeps the data weights of its parent, because alignment does not change which data it was trained on. */
export const rlhfHandler =
  (dependencies: Dependencies): JobHandler<'rlhf'> =>
  async (job) => {
    const { input } = job
    const sources = sourcesOf(job, dependencies)
    const facts = await loadVersion(sources, input.versionId)
    await requireLicences(job.db, facts.specification, await datanetsOfSamples(job.db, facts.manifest))
    const { pairs, evidenceHashes } = await loadPreferences(sources, input.versionId)
    if (pairs.length === 0)
      throw new JobError(
        'NO_PREFERENCES',
        `Version ${input.versionId} has no settled comparisons to learn from. Open comparisons (mutation compare), let validators judge them, and settle them (mutation settleFeedback).`,
      )
    const { prompts } = await getDocument(job.artifacts, promptsDocument, input.promptsHash)
    const { method, steps, group, beta, supervisedWeight, learningRate, seed } = input

    const aligned = await dependencies.engine.run(
      'align',
      {
        baseFolder: await fetchBaseModel(sources, facts),
        adapterFolder: await fetchAdapter(sources, facts),
        method,
        pairs,
        prompts,
        samples: supervisedWeight > 0 ? await loadTrainedSamples(sources, facts.manifest) : [],
        validation: await loadValidation(sources, facts),
        training: {
          steps,
          promptsPerStep: input.prompts,
          numGenerations: group,
          beta,
          supervisedWeight,
          learningRate,
          maxTokens: facts.rubric.maxTokens,
          seed,
        },
        checkpointFile: join(job.checkpointFolder, 'alignment'),
        outFolder: join(job.checkpointFolder, 'adapter'),
      },
      forwardProgress(job, 0, 0.92, 'aligning'),
    )
    const adapterHash = await storeFolder(storeAs(job, 'adapter', 'application/octet-stream'), aligned.adapterFolder)
    const datasetRoot = keccak256(documentBytes(evidenceHashes))
    const manifestHash = await putDocument(storeAs(job, 'manifest'), manifestDocument, {
      ...facts.manifest,
      parentVersionId: facts.version.id,
      method,
      adapter: adapterHash,
      datasetRoot,
      evidence: evidenceHashes,
      configuration: {
        steps,
        prompts: input.prompts,
        promptsHash: input.promptsHash,
        group,
        beta,
        supervisedWeight,
        learningRate,
        seed,
      },
      metrics: aligned.metrics,
      codeHash: await codeHash(),
    })
    job.report(0.95, 'registering the version')
    const { modelId } = facts.version
    const versionId = await registerVersion(job, {
      modelId,
      parentVersionId: facts.version.id,
      method,
      datasetRoot,
      manifestHash,
      adapterHash,
      priceWei: input.priceWei,
    })
    const inherited = await rowsOf(job.db, VersionInfluence, 'version_id = $1', [facts.version.id])
    return {
      result: { versionId, adapterHash, manifestHash, pairs: pairs.length, ...aligned.metrics },
      rows: inherited.map((one) =>
        row(VersionInfluence, { ...one, id: `${versionId}-${one.contributionId}`, versionId }),
      ),
    }
  }
