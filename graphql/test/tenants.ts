import { ApiKey, SignedVoucher } from '#schema/offchain/access.ts'
import { AnswerAttribution, CreditHold, Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { LedgerTransfer } from '#schema/offchain/ledger.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Endpoint, PaymentChannel } from '#schema/onchain/market.ts'
import { account, insert, insertAll, insertChain } from '#test/factory.ts'
import { hashKey } from '../access.ts'
import type { ApiOptions } from '../index.ts'
import { testApi } from './api.ts'

/** What each confidential value has in it. */
export const SECRET = 'canary'
export const CLOSED_FEE = 77_000_000_077n
export const TOKENS = 7_707
export const DEPOSIT = 10n ** 18n
export const tenant = account(7)
export const salt = `0x${'5a'.repeat(32)}`
/** The three salted hashes that are signed: each would be found with the others. */
const hash = `0x${'6b'.repeat(32)}`

/** An API with keys: a consumer who has a call that is not opened, another consumer, and an operator. */
export async function tenants(over: Partial<ApiOptions> = {}) {
  const api = await testApi({ auth: 'keys', ...over })
  const { db } = api
  await insertChain(db, 5)
  const key = async (name: string, role: ApiKey['role'], holder: string) => {
    await insert(db, ApiKey, { id: hashKey(name), account: holder, role })
    return { authorization: `Bearer ${name}` }
  }
  const callers = {
    consumer: await key('consumer-key', 'Consumer', tenant),
    operator: await key('operator-key', 'Operator', account(1)),
    other: await key('another-key', 'Consumer', account(8)),
    anonymous: {},
  }
  const ended = { status: 'Succeeded' as const, requestedBy: tenant }
  await insertAll(db, JobRun, [
    { id: 'r', kind: 'infer', input: { prompt: SECRET }, result: { answer: SECRET, fee: `${CLOSED_FEE}` }, ...ended },
    { id: 'a', kind: 'attribute', input: { receiptId: 'r' }, result: { contributions: TOKENS }, ...ended },
    // Asked for while the API knew nobody.
    { id: 'b', kind: 'infer', input: { prompt: SECRET }, result: { answer: SECRET }, ...ended, requestedBy: null },
    { id: 'f', kind: 'infer', input: {}, error: { code: 'X', message: `${SECRET} ${TOKENS}` }, ...ended },
  ])
  await insert(db, Contribution, { id: '3' })
  await insert(db, Endpoint, { id: '1', host: account(1) })
  await insert(db, Receipt, {
    ...{
      id: 'r',
      jobId: 'r',
      consumer: tenant,
      prompt: SECRET,
      answer: SECRET,
      salt,
      ...{ requestHash: hash, responseHash: hash, totalHash: hash },
      fee: CLOSED_FEE,
      cumulative: CLOSED_FEE * 2n,
    },
    ...{ tokensIn: TOKENS, tokensOut: TOKENS },
  })
  await insert(db, AnswerAttribution, {
    ...{ id: 'r-3', receiptId: 'r', contributionId: '3', influence: TOKENS, similarity: TOKENS, share: TOKENS },
    spans: [{ text: SECRET, tokens: TOKENS, count: 1 }],
  })
  await insert(db, CreditHold, { id: 'r', consumer: tenant, maximum: CLOSED_FEE, fee: CLOSED_FEE })
  await insert(db, SignedVoucher, {
    id: '0x5',
    consumer: tenant,
    ceiling: CLOSED_FEE,
    used: CLOSED_FEE,
    signature: SECRET,
  })
  const posted = { event: null, amount: CLOSED_FEE }
  for (const transfer of [
    { id: 'deposit/1-0/0', debit: 'deposits', credit: 'credit:0x5', amount: DEPOSIT, event: '1-0' },
    { id: 'reserve/r/0/0', debit: 'credit:0x5', credit: 'hold:r', ...posted },
    { id: 'charge/r/1/0', debit: 'hold:r', credit: 'charged:0x5', ...posted },
  ])
    await insert(db, LedgerTransfer, transfer)
  await insert(db, PaymentChannel, { id: '0x5', consumer: tenant })
  return { ...api, callers }
}

/** What nobody but the consumer and operators may be told. */
export const secrets = [SECRET, String(CLOSED_FEE), String(CLOSED_FEE * 2n), String(TOKENS), salt, hash]
