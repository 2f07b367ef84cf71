import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AnswerEvidence, attributeAnswer } from '#rules/answer.ts'
import { recordInfluence } from '#rules/attribution.ts'
import { PPM } from '#rules/bps.ts'
import { quantise } from '#rules/quantise.ts'
import { rowOf, rowsOf } from '#schema/current.ts'
import { AnswerAttribution, Receipt } from '#schema/offchain/attribution.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { row } from '#schema/rows.ts'
import { type Dependencies, forwardProgress } from '../dependencies.ts'
import { JobError, type JobHandler } from '../job.ts'
import { fetchAdapter, fetchBaseModel, loadSample, loadVersion, places } from '../modelLookup.ts'

/** Traces one answer to the contributions behind its version: influence, similarity and verbatim spans, kept apart. */
export const attributeHandler =
  (tools: Dependencies): JobHandler<'attribute'> =>
  async (job) => {
    const at = places(job, tools)
    const receipt = await rowOf(job.db, Receipt, job.input.receiptId)
    if (!receipt)
      throw new JobError(
        'UNKNOWN_RECEIPT',
        `There is no receipt ${job.input.receiptId}. Query \`receipts\` for those that exist.`,
      )
    const facts = await loadVersion(at, receipt.versionId)
    const { dataset, sketches } = facts.manifest
    if (!sketches)
      throw new JobError(
        'NO_SKETCHES',
        `Version ${receipt.versionId} was trained without sketches, so its answers cannot be traced.`,
      )
    const known = new Map((await rowsOf(job.db, Contribution, 'id = any($1)', [dataset])).map((one) => [one.id, one]))
    const samples = await Promise.all(
      dataset.map(async (id) => {
        const contribution = known.get(id)
        if (!contribution) throw new Error(`Contribution ${id} of the manifest is not indexed yet.`)
        return { id, ...(await loadSample(job, contribution)) }
      }),
    )
    const sketchFile = join(job.checkpointFolder, 'sketches')
    await writeFile(sketchFile, await job.artifacts.get(sketches))
    const explained = await tools.engine.run(
      'explainAnswer',
      {
        baseFolder: await fetchBaseModel(at, facts),
        adapterFolder: await fetchAdapter(at, facts),
        prompt: receipt.prompt,
        answer: receipt.answer,
        samples,
        sketchFile,
      },
      forwardProgress(job, 0, 0.9, 'tracing'),
    )
    const evidence: AnswerEvidence = {
      tokens: explained.tokens,
      spans: explained.spans.map(({ start, end, occurrences, samples: holders }) => ({
        start,
        end,
        occurrences,
        contributionIds: holders.map((place) => dataset[place]!),
      })),
      influences: explained.influences.map(({ mean, standardError }, place) =>
        recordInfluence({ contributionId: dataset[place]!, influence: mean, standardError }, explained.parts),
      ),
      similarities: explained.similarities.map((similarity, place) => ({
        contributionId: dataset[place]!,
        similarity: quantise(Math.max(0, similarity), PPM),
      })),
    }
    const { parts, unattributed } = attributeAnswer(evidence)
    const paid = parts.filter((one) => one.mass > 0n)
    const place = new Map(dataset.map((id, at) => [id, at]))
    return {
      result: {
        receiptId: receipt.id,
        attributed: (PPM - unattributed).toString(),
        unattributed: unattributed.toString(),
        contributions: paid.length,
      },
      rows: paid.map((one) => {
        const at = place.get(one.contributionId)!
        return row(AnswerAttribution, {
          id: `${receipt.id}-${one.contributionId}`,
          receiptId: receipt.id,
          contributionId: one.contributionId,
          influence: explained.influences[at]!.mean,
          similarity: explained.similarities[at]!,
          spans: explained.spans
            .filter((span) => span.samples.includes(at))
            .map(({ text, start, end, occurrences }) => ({ text, tokens: end - start, count: occurrences })),
          share: Number(one.mass),
        })
      }),
    }
  }
