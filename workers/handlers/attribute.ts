import { join } from 'node:path'
import type { Hex } from 'viem'
import { type AnswerEvidence, attributeAnswer } from '#rules/answer.ts'
import { recordInfluence } from '#rules/attribution.ts'
import { PPM } from '#rules/bps.ts'
import { quantise } from '#rules/quantise.ts'
import { type AttributedShare, attributionDigest, contentSalt, statementOf } from '#rules/receipt.ts'
import { chatOf } from '#schema/chatRequest.ts'
import { embeddingOf } from '#schema/embeddingRequest.ts'
import { IndexBehindError } from '#schema/errors.ts'
import { fetchFile } from '#schema/folders.ts'
import { AnswerAttribution, Receipt } from '#schema/offchain/attribution.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { removeSpans } from '#schema/removeTexts.ts'
import { row, rowOf, rowsOf } from '#schema/rows.ts'
import { awaitHost } from '../awaitHost.ts'
import { type Dependencies, forwardProgress } from '../dependencies.ts'
import { type JobContext, JobError, type JobHandler } from '../job.ts'
import { fetchAdapter, fetchBaseModel, loadVersion, sourcesOf } from '../modelLookup.ts'
import { loadSample } from '../samples.ts'

/** Traces one answer to the contributions behind its version, and signs its receipt with what was found. Influence, similarity and verbatim spans are recorded
 *  separately. */
export const attributeHandler =
  (dependencies: Dependencies): JobHandler<'attribute'> =>
  async (job) => {
    const sources = sourcesOf(job, dependencies)
    const receipt = await rowOf(job.db, Receipt, job.input.receiptId)
    if (!receipt)
      throw new JobError(
        'UNKNOWN_RECEIPT',
        `There is no receipt ${job.input.receiptId}. Query \`receipts\` for the existing receipts.`,
      )
    if (receipt.textsRemovedAt)
      throw new JobError(
        'TEXTS_REMOVED',
        `Prompt and answer of receipt ${receipt.id} were removed, so that it cannot be traced to its sources any more.`,
      )
    if (embeddingOf(receipt.prompt))
      throw new JobError(
        'NOT_TRACED',
        `Receipt ${receipt.id} is of embeddings, which are not traced to their sources: only texts are.`,
      )
    const facts = await loadVersion(sources, receipt.versionId)
    const { dataset, sketches, weights } = facts.manifest
    if (!sketches)
      throw new JobError(
        'NO_SKETCHES',
        `Version ${receipt.versionId} was trained without sketches, so its answers cannot be traced.`,
      )
    const endpoint = await rowOf(job.db, Endpoint, receipt.endpointId)
    const hosts = dependencies.hosts ?? [job.chain.account]
    if (endpoint && hosts.includes(endpoint.host)) awaitHost(endpoint, job.chain.account)
    const known = new Map((await rowsOf(job.db, Contribution, 'id = any($1)', [dataset])).map((one) => [one.id, one]))
    const samples = await Promise.all(
      dataset.map(async (id) => {
        const contribution = known.get(id)
        if (!contribution) throw new IndexBehindError(`Contribution ${id} of the manifest is not indexed yet.`)
        return { id, ...(await loadSample(job.artifacts, contribution.contentHash)) }
      }),
    )
    const sketchFile = await fetchFile(job.artifacts, sketches, join(sources.cache, 'sketches'))
    const explained = await dependencies.engine.run(
      'explainAnswer',
      {
        baseFolder: await fetchBaseModel(sources, facts),
        adapterFolder: await fetchAdapter(sources, facts),
        prompt: chatOf(receipt.prompt) ?? receipt.prompt,
        answer: receipt.answer,
        samples,
        sketchFile,
      },
      forwardProgress(job, 0, 0.9, 'tracing'),
    )
    const found = dataset.map((contributionId, index) => {
      const influence = explained.influences[index]
      const similarity = explained.similarities[index]
      if (!influence || similarity === undefined)
        throw new Error(`The engine measured no influence of contribution ${contributionId}.`)
      const spans = explained.spans.filter((span) => span.samples.includes(index))
      return { contributionId, influence, similarity, spans }
    })
    const evidence: AnswerEvidence = {
      tokens: explained.tokens,
      spans: explained.spans.map(({ start, end, occurrences, samples: indices }) => ({
        start,
        end,
        occurrences,
        contributionIds: indices.flatMap((index) => dataset[index] ?? []),
      })),
      influences: found.map(({ contributionId, influence: { mean, standardError } }) =>
        recordInfluence({ contributionId, influence: mean, standardError }, explained.parts),
      ),
      similarities: found.map(({ contributionId, similarity }) => ({
        contributionId,
        similarity: quantise(Math.max(0, similarity), PPM),
      })),
    }
    const standing = new Map(weights.map((one) => [one.contributionId, BigInt(one.standing)]))
    const { parts, unattributed } = attributeAnswer(evidence, standing)
    const byContribution = new Map(found.map((one) => [one.contributionId, one]))
    const paid = parts.flatMap(({ contributionId, mass }) => {
      const one = byContribution.get(contributionId)
      return one && mass > 0n ? [{ ...one, mass }] : []
    })
    const shares = paid.map(({ contributionId, mass }) => ({ contributionId, share: Number(mass) }))
    const signed = endpoint?.host === job.chain.account ? await signAttribution(job, receipt, shares) : null
    return {
      result: {
        receiptId: receipt.id,
        attributed: (PPM - unattributed).toString(),
        unattributed: unattributed.toString(),
        contributions: paid.length,
      },
      rows: paid.map(({ contributionId, influence, similarity, spans, mass }) =>
        row(AnswerAttribution, {
          id: `${receipt.id}-${contributionId}`,
          receiptId: receipt.id,
          contributionId,
          influence: influence.mean,
          similarity,
          spans: spans.map(({ text, start, end, occurrences }) => ({ text, tokens: end - start, count: occurrences })),
          share: Number(mass),
        }),
      ),
      afterRows: async (sql) => {
        if (signed)
          await sql.query('update receipt set attribution_digest = $2, attribution_signature = $3 where id = $1', [
            receipt.id,
            signed.digest,
            signed.signature,
          ])
        const { rows } = await sql.query<{ removed: boolean }>(
          'select texts_removed_at is not null as removed from receipt where id = $1 for share',
          [receipt.id],
        )
        if (rows[0]?.removed) await removeSpans(sql, [receipt.id]) // the consumer has deleted the texts meanwhile
      },
    }
  }

async function signAttribution(
  { chain }: JobContext<'attribute'>,
  receipt: Receipt,
  shares: readonly AttributedShare[],
) {
  const statement = statementOf(receipt)
  if (!statement || receipt.salt === null) return null // signed by an earlier release, in another form
  const digest = attributionDigest(contentSalt(receipt.salt as Hex), shares)
  return { digest, signature: await chain.signReceipt(statement, digest) }
}
