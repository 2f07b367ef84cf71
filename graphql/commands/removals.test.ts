import { createHash } from 'node:crypto'
import { hashTypedData } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { canonicalSample } from '#rules/sample.ts'
import { withdrawalData } from '#rules/signing.ts'
import { documentBytes } from '#schema/documents.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import { account, insert, insertChain } from '#test/factory.ts'
import { trainingContributions } from '#workers/modelLookup.ts'
import { createOwnKey } from '../signIn/ownKeys.ts'
import { testApi } from '../test/api.ts'

const ada = privateKeyToAccount(`0x${'a1'.repeat(32)}`)
const eve = privateKeyToAccount(`0x${'e1'.repeat(32)}`)
const DATANETS = account(0xda) as `0x${string}`
const by = (key: string) => ({ authorization: `Bearer ${key}` })

/** Ada gave the contributions 1 and 2; Eve gave 3, with the content of 2. Version 1, which endpoint 1 serves, learned from 1 and 2. */
async function withContributions(over: Parameters<typeof testApi>[0] = {}) {
  const api = await testApi({
    ...over,
    auth: 'keys',
    deployment: { chainId: 31_337, addresses: { DatanetRegistry: DATANETS } },
  })
  await insertChain(api.db, 5)
  for (const [key, role, of] of [
    ['operator-key', 'Operator', account(1)],
    ['ada-s-key', 'Consumer', ada.address.toLowerCase()],
    ['eve-s-key', 'Consumer', eve.address.toLowerCase()],
  ] as const)
    await insert(api.db, ApiKey, { id: createHash('sha256').update(key).digest('hex'), role, account: of })
  const names = await Promise.all(
    ['one', 'two'].map((prompt) =>
      api.artifacts.put(new TextEncoder().encode(canonicalSample({ prompt, completion: 'c' }))),
    ),
  )
  const [one = '', two = ''] = names
  for (const [id, contentHash, contributor, status] of [
    ['1', one, ada, 'Accepted'],
    ['2', two, ada, 'Accepted'],
    ['3', two, eve, 'Rejected'],
  ] as const)
    await insert(api.db, Contribution, {
      id,
      datanetId: '1',
      contributor: contributor.address.toLowerCase(),
      contentHash,
      status,
    })
  await insert(api.db, ModelVersion, { id: '1', modelId: '1' })
  await insert(api.db, Endpoint, { id: '1', versionId: '1' })
  for (const contributionId of ['1', '2'])
    await insert(api.db, VersionInfluence, { id: `1-${contributionId}`, versionId: '1', contributionId })
  const bytes = async (name: string) => (await fetch(`${api.url.replace(/\/graphql$/, '')}/artifacts/${name}`)).status
  const dataset = async () => (await trainingContributions(api.db, '1')).map(({ id }) => id)
  const marks = async () =>
    (
      await api.ask(`{ modelVersion(id: "1") { removedData { contributionId kind reason contribution { id } } }
        endpoint(id: "1") { removedData { contributionId } } }`)
    ).data
  return { api, one, two, bytes, dataset, marks }
}

const TAKE_DOWN = `mutation ($hash: ID!, $reason: String = "It names a person.") {
  takeDown(contentHash: $hash, reason: $reason, idempotencyKey: "t") { id actor reason at liftedAt } }`
const LIFT = `mutation ($hash: ID!) {
  liftTakedown(contentHash: $hash, reason: "The person agreed.", idempotencyKey: "l") { id liftedBy liftReason } }`
const WITHDRAW = `mutation ($ids: [ID!]!, $reason: String = "Not mine.", $signature: String!) {
  withdrawContributions(contributionIds: $ids, reason: $reason, signature: $signature, idempotencyKey: "w") {
    id contributor reason contribution { id } } }`

describe('a takedown', () => {
  test('ends the serving of the bytes and the use in datasets, marks the versions and the endpoints, and is listed; it can be lifted', async () => {
    const { api, one, bytes, dataset, marks } = await withContributions()
    expect(await bytes(one)).toBe(200)
    expect(await dataset()).toEqual(['1', '2'])
    const { takeDown } = (await api.ask(TAKE_DOWN, { hash: one }, by('operator-key'))).data
    expect(takeDown).toMatchObject({ id: one, actor: account(1), reason: 'It names a person.', liftedAt: null })

    expect(await bytes(one)).toBe(451)
    const { errors } = await api.ask('query ($hash: ID!) { artifact(id: $hash) { text json } }', { hash: one })
    expect(errors?.map(({ extensions }) => extensions.code)).toContain('SAMPLE_REMOVED')
    expect(await dataset()).toEqual(['2'])
    expect(await marks()).toEqual({
      modelVersion: {
        removedData: [
          { contributionId: '1', kind: 'TakenDown', reason: 'It names a person.', contribution: { id: '1' } },
        ],
      },
      endpoint: { removedData: [{ contributionId: '1' }] },
    })
    const listed = await api.ask('{ takedowns { nodes { id actor reason at } } }')
    expect(listed.data.takedowns.nodes).toMatchObject([{ id: one, actor: account(1) }])

    await api.ask(LIFT, { hash: one }, by('operator-key'))
    expect(await bytes(one)).toBe(200)
    expect(await dataset()).toEqual(['1', '2'])
    expect((await api.ask('{ takedowns { nodes { liftReason } } }')).data.takedowns.nodes).toEqual([
      { liftReason: 'The person agreed.' },
    ])
  })

  test('is an operator’s act, of a sample that somebody contributed: no other artifact can be taken down', async () => {
    const { api, one } = await withContributions()
    const code = async (hash: string, key?: string, over = {}) =>
      (await api.ask(TAKE_DOWN, { hash, ...over }, key ? by(key) : {})).errors?.[0]?.extensions.code
    expect(await code(one)).toBe('UNAUTHENTICATED')
    expect(await code(one, 'ada-s-key')).toBe('FORBIDDEN')
    expect(await code(one, 'operator-key', { reason: ' ' })).toBe('BAD_INPUT')
    expect(await code(`0x${'9'.repeat(64)}`, 'operator-key')).toBe('UNKNOWN_SAMPLE')
    const manifest = await api.artifacts.put(documentBytes({ weights: [], dataset: [] }))
    expect(await code(manifest, 'operator-key')).toBe('UNKNOWN_SAMPLE')
    // Anybody may submit the hash of anything as a contribution.
    await insert(api.db, Contribution, { id: '9', datanetId: '1', contentHash: manifest, status: 'Rejected' })
    expect(await code(manifest, 'operator-key')).toBe('NOT_A_SAMPLE')
    expect((await api.ask('{ takedowns { nodes { id } } }')).data.takedowns.nodes).toEqual([])
  })
})

describe('a withdrawal', () => {
  const sign = (ids: bigint[], signer = ada, over: { chainId?: number; reason?: string } = {}) =>
    signer.signTypedData(
      withdrawalData(
        { chainId: over.chainId ?? 31_337, contract: DATANETS },
        { contributionIds: ids, reason: over.reason ?? 'Not mine.' },
      ),
    )

  test('is signed by the contributor, and is for good', async () => {
    const { api, two, bytes, dataset, marks } = await withContributions()
    const signed = await api.ask(WITHDRAW, { ids: ['2'], signature: await sign([2n]) })
    expect(signed.data.withdrawContributions).toEqual([
      { id: '2', contributor: ada.address.toLowerCase(), reason: 'Not mine.', contribution: { id: '2' } },
    ])
    expect(await dataset()).toEqual(['1'])
    expect(await bytes(two)).toBe(451) // Eve's copy was rejected
    expect((await marks()).modelVersion.removedData).toMatchObject([{ contributionId: '2', kind: 'Withdrawn' }])
    const lifted = await api.ask(LIFT, { hash: two }, by('operator-key'))
    expect(lifted.errors?.[0]?.extensions.code).toBe('NOT_TAKEN_DOWN')
  })

  test('is that of a contract wallet when the wallet says so', async () => {
    const asked: { address: string; hash: string }[] = []
    const { api, dataset } = await withContributions({
      verifySignature: async ({ signature, ...signed }) => asked.push(signed) > 0 && signature === '0x1271',
    })
    const refused = await api.ask(WITHDRAW, { ids: ['2'], signature: '0x1272' })
    expect(refused.errors?.[0]?.extensions.code).toBe('WRONG_SIGNER')
    await api.ask(WITHDRAW, { ids: ['2'], signature: '0x1271' })
    expect(await dataset()).toEqual(['1'])
    const data = withdrawalData({ chainId: 31_337, contract: DATANETS }, { contributionIds: [2n], reason: 'Not mine.' })
    expect(asked.at(-1)).toEqual({ address: ada.address.toLowerCase(), hash: hashTypedData(data) })
  })

  test('is not that of the contribution which has its id after a reorganisation; whoever gave that one may withdraw it', async () => {
    const { api, one, bytes, dataset, marks } = await withContributions()
    const contributor = ada.address.toLowerCase()
    await api.db.query(`update contribution set contributor = $1 where id = '1'`, [eve.address.toLowerCase()])
    await api.ask(WITHDRAW, { ids: ['1'], signature: await sign([1n], eve) })
    expect(await dataset()).toEqual(['2'])
    await api.db.query(`update contribution set contributor = $1 where id = '1'`, [contributor])
    expect(await dataset()).toEqual(['1', '2'])
    expect((await marks()).modelVersion.removedData).toEqual([])
    const { data } = await api.ask(WITHDRAW, { ids: ['1'], signature: await sign([1n]) })
    expect(data.withdrawContributions).toMatchObject([{ id: '1', contributor }])
    expect(await dataset()).toEqual(['2'])
    expect(await bytes(one)).toBe(451)
  })

  test('of another’s contribution is refused, an operator’s too; a copy withdraws nothing but itself', async () => {
    const { api, two, bytes, dataset } = await withContributions()
    const code = async (variables: object, key?: string) =>
      (await api.ask(WITHDRAW, { ids: ['2'], ...variables }, key ? by(key) : {})).errors?.[0]?.extensions.code
    for (const key of [undefined, 'operator-key', 'eve-s-key'])
      for (const signature of [
        await sign([2n], eve),
        await sign([1n]),
        await sign([2n], ada, { chainId: 1 }),
        await sign([2n], ada, { reason: 'Other.' }),
        '0x12',
        '',
      ])
        expect(await code({ signature }, key)).toBe('WRONG_SIGNER')
    expect(await code({ ids: ['2', '3'], signature: await sign([2n, 3n], eve) })).toBe('BAD_INPUT')
    expect(await code({ ids: ['77'], signature: await sign([77n], eve) })).toBe('UNKNOWN_CONTRIBUTION')
    expect(await code({ ids: [], signature: await sign([], eve) })).toBe('UNKNOWN_CONTRIBUTION')
    expect(await code({ ids: ['3'], signature: await sign([3n], eve) })).toBeUndefined()
    expect(await dataset()).toEqual(['1', '2'])
    expect(await bytes(two)).toBe(200)
  })

  test('takes the account’s signature, not a key of it: the thief of one takes nothing out of the datasets to come', async () => {
    const { api, dataset } = await withContributions()
    const { key } = await createOwnKey(api.db, ada.address.toLowerCase(), {
      ...{ label: 'ci', scopes: ['write'], expiresAt: new Date(Date.now() + 864e5), spendCap: 0n },
    })
    const unsigned = `mutation ($ids: [ID!]!) {
      withdrawContributions(contributionIds: $ids, reason: "x", idempotencyKey: "w") { id } }`
    for (const each of [key, 'ada-s-key', 'operator-key']) {
      expect((await api.ask(unsigned, { ids: ['1', '2'] }, by(each))).errors?.[0]?.message).toMatch(/"signature"/)
      const empty = await api.ask(WITHDRAW, { ids: ['1', '2'], signature: '' }, by(each))
      expect(empty.errors?.[0]?.extensions.code).toBe('WRONG_SIGNER')
    }
    expect(await dataset()).toEqual(['1', '2'])
    expect((await api.ask('{ dataWithdrawals { nodes { id } } }')).data.dataWithdrawals.nodes).toEqual([])
  })
})
