import { setTimeout as sleep } from 'node:timers/promises'
import { hashTypedData, recoverTypedDataAddress, zeroAddress } from 'viem'
import { expect, test } from 'vitest'
import { OPERATOR } from '#contracts/test/world.ts'
import { contentSalt, receiptData, saltedTextHash, totalHash } from '#rules/receipt.ts'
import type { AnswerEntry } from '#schema/journal/answers.ts'
import { CreditHold, Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { answeringSystem, FEE } from '#test/answeringSystem.ts'
import { freshDatabase } from '#test/database.ts'
import { insert } from '#test/factory.ts'
import { must } from '#test/must.ts'
import type { ChainClient } from './chain.ts'
import { Interruption, type JobContext } from './job.ts'
import { recordAnswer } from './recordAnswer.ts'

test('calls of one channel that end together are charged one after the other; the journal and the signed receipts say the same', async () => {
  const { serving, grant, channel, journal, world } = await answeringSystem()
  const db = await freshDatabase()
  const prompts = Array.from({ length: 12 }, (_, place) => `prompt ${place}`)
  const other = 3n * FEE // what the host has redeemed since a copy of the database was made
  await serving(db, async ({ answer, redeem }) => {
    await grant(db)
    for (const prompt of ['a', 'b', 'c']) await answer(prompt)
    await redeem('redeemed')
    await db.query('update signed_voucher set used = 0')
    await Promise.all(prompts.map((prompt) => answer(prompt)))
  })
  expect((await db.query('select used from signed_voucher')).rows).toEqual([{ used: other + 12n * FEE }])
  const receipts = await rowsOf(db, Receipt, 'prompt = any($1)', [prompts], { orderBy: 'cumulative' })
  expect(receipts.map((one) => one.cumulative)).toEqual(prompts.map((_, place) => other + BigInt(place + 1) * FEE))

  expect(new Set(receipts.map((one) => one.salt)).size).toBe(receipts.length)
  const entries = new Map<string, AnswerEntry>()
  for await (const part of journal.between(new Date(Date.now() - 3_600_000), new Date()))
    for (const entry of part) entries.set(entry.job.id, entry)
  for (const receipt of receipts) {
    const { jobId, epoch: _, textsRemovedAt: __, id, ...stored } = receipt
    const { attributionDigest, attributionSignature, countersignature, ...answered } = stored
    expect(entries.get(jobId)?.receipt).toEqual(answered)
    expect([attributionDigest, attributionSignature, countersignature]).toEqual([null, null, null])
    const salt = receipt.salt as `0x${string}`
    const content = contentSalt(salt)
    const data = receiptData(
      { chainId: world.deployment.chainId, contract: world.at.InferenceMarket },
      {
        ...{ id, endpointId: '1', versionId: '1', channelId: channel, consumer: receipt.consumer },
        ...{ tokensIn: 3, tokensOut: 2, fee: FEE, totalHash: totalHash(salt, receipt.cumulative) },
        requestHash: saltedTextHash(content, receipt.prompt),
        responseHash: saltedTextHash(content, receipt.answer),
      },
    )
    expect(receipt.hash).toBe(hashTypedData(data))
    expect(salt).toMatch(/^0x[0-9a-f]{64}$/)
    const signature = receipt.signature as `0x${string}`
    expect(await recoverTypedDataAddress({ ...data, signature })).toBe(OPERATOR.address)
    expect(receipt.x402Receipt).toBeNull()
  }
})

test('a call that is cancelled while its answer is stored is charged: its consumer may have read it', async () => {
  const db = await freshDatabase()
  const input = { endpointId: '1', prompt: 'p', consumer: zeroAddress, open: false } as JobContext<'infer'>['input']
  await insert(db, JobRun, { id: 'a', kind: 'infer', input: { ...input } })
  await insert(db, CreditHold, { id: 'a', open: true, fee: null, channelId: null })
  const hold = must(await rowOf(db, CreditHold, 'a'))
  const cancel = new AbortController()
  const journal = {
    async append() {
      cancel.abort(new Interruption('cancelled'))
      await sleep(50)
    },
  }
  const chain = {
    ...{ chainId: 1, addresses: { InferenceMarket: zeroAddress } },
    signReceipt: async () => '0x1',
  } as unknown as ChainClient
  const job = { id: 'a', input, chain, signal: cancel.signal } as JobContext<'infer'>
  const answer = { versionId: '1', text: 'whole', tokensIn: 3, tokensOut: 2, fee: FEE, result: {} }
  await db.transaction((sql) => recordAnswer(sql, { job, journal, hold }, answer))
  expect((await db.query('select open, fee from credit_hold')).rows).toEqual([{ open: false, fee: FEE }])
  expect(await rowOf(db, Receipt, 'a')).toMatchObject({ answer: 'whole', fee: FEE })
})
