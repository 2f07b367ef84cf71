import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
} from 'graphql'
import { createClient } from 'graphql-ws'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { apiSchema } from '#graphql/schema.ts'
import { SECRET, secrets, tenant, tenants } from '#graphql/test/tenants.ts'
import { type Notification, notify } from '#schema/notifications.ts'
import { must } from './must.ts'

/** Every field, mutation and subscription, for the consumer whose call it is, for another one, and for nobody. What is added to the API is tested without being named here. */

type Field = GraphQLField<unknown, unknown>

/** Ids of rows that the consumer has, or that lead to them. */
const IDS = ['r', 'a', 'f', 's', 'r-3', '3', '1', '0x5', 'hold:r', 'credit:0x5', 'charged:0x5', 'reserve/r/0/0', tenant]

/** Arguments of fields that name their rows in other ways. */
const ARGUMENTS: Record<string, string[]> = {
  lineage: ['of: "JobRun:r"', 'of: "Contribution:3"', `of: "Account:${tenant}"`],
  nodes: [`ids: ${JSON.stringify(IDS)}`],
  search: [`text: "${SECRET}"`, 'text: "r"', `text: "${tenant}"`],
  stateChanges: ['block: 3'],
  usage: ['every: day, from: "2020-01-01T00:00:00Z", to: "2021-01-01T00:00:00Z", by: [key, endpoint, consumer]'],
  stateDigests: ['from: 1, to: 3'],
  evaluationLog: IDS.map((id) => `evaluationId: "${id}"`),
  contributor: [`account: "${tenant}"`],
  validatorRounds: [`validator: "${tenant}"`],
  explainReward: [`epoch: "1", account: "${tenant}"`],
  rewardProof: [`epoch: "1", account: "${tenant}"`],
  rewardMap: ['epoch: "1"'],
  counterfactual: ['epoch: "1", without: { contribution: "3" }'],
}

const argumentsOf = ({ name, args }: Field): string[] => {
  const required = args.filter(({ type }) => isNonNullType(type)).map((one) => one.name)
  const known = ARGUMENTS[name]
  if (known) return known
  if (required.length === 0) return [args.some((one) => one.name === 'first') ? 'first: 3' : '']
  expect([name, required]).toEqual([name, ['id']])
  return IDS.map((id) => `id: "${id}"`)
}

/** All that can be read of a type, down to some depth; of lists three entries. */
function selection(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type)
  if (isScalarType(named) || isEnumType(named)) return ' '
  if (!isObjectType(named)) return ' { __typename }'
  const parts = Object.values(named.getFields()).flatMap((field) => {
    if (field.args.some(({ type: of }) => isNonNullType(of)) || field.name === 'aggregate') return []
    const leaf = getNamedType(field.type)
    const isLeaf = isScalarType(leaf) || isEnumType(leaf)
    const isConnection = ['nodes', 'pageInfo', 'edges'].includes(field.name)
    if (!isLeaf && depth === 0 && !isConnection) return []
    const first = field.args.some(({ name }) => name === 'first') ? '(first: 3)' : ''
    return [`${field.name}${first}${selection(field.type, isLeaf || isConnection ? depth : depth - 1)}`]
  })
  return ` { __typename ${parts.join(' ')} }`
}

/** A field with all its arguments, under aliases; of a single row without the rows beside it, because lists read the same. */
function readings(field: Field): { query: (depth: number) => string; depth: number } {
  const all = argumentsOf(field)
  const query = (depth: number) =>
    all.map((args, nth) => `read${nth}: ${field.name}${args && `(${args})`}${selection(field.type, depth)}`).join(' ')
  return { query: (depth) => `{ ${query(depth)} }`, depth: all.length > 1 ? 0 : 2 }
}

test('whatever is asked, nobody else is told anything of a consumer’s closed call', async () => {
  const api = await tenants()
  const { consumer, other, anonymous } = api.callers
  const told = { consumer: 0, other: 0, anonymous: 0 }
  for (const field of Object.values(must(apiSchema().getQueryType()).getFields())) {
    const { query, depth } = readings(field)
    for (const [who, headers] of Object.entries({ consumer, other, anonymous }) as [
      keyof typeof told,
      Record<string, string>,
    ][]) {
      const ask = async (deep: number): ReturnType<typeof api.ask> => {
        const answer = await api.ask(query(deep), {}, headers)
        const isTooDeep = answer.errors?.some(({ extensions }) => /TOO_COMPLEX|PARSE_FAILED/.test(extensions.code))
        return isTooDeep && deep > 0 ? ask(deep - 1) : answer
      }
      const { data, errors = [] } = await ask(depth)
      const broken = errors.filter(({ extensions }) => /INTERNAL|VALIDATION|TOO_COMPLEX|PARSE/.test(extensions.code))
      expect([field.name, broken]).toEqual([field.name, []])
      // Whoever searches for a text has it already.
      const found = secrets.filter(
        (secret) => JSON.stringify([data, errors]).includes(secret) && !(field.name === 'search' && secret === SECRET),
      )
      if (found.length > 0) told[who]++
      if (who !== 'consumer') expect([field.name, who, found]).toEqual([field.name, who, []])
    }
  }
  expect(told).toMatchObject({ other: 0, anonymous: 0 })
  expect(told.consumer).toBeGreaterThan(10)
  expect(api.logged).toEqual([])
})

/** Inputs whose fields belong together. */
const INPUTS: Record<string, object> = {
  InferInput: { endpointId: '1', consumer: tenant, prompt: 'x', maxTokens: 1 },
  RelayInput: { account: tenant, call: 'RewardDistributor.claim', data: '0x5a5a5a5a' },
}

/** A value of an input type: the smallest that the schema accepts, about the consumer's call where it is about one. */
function example(type: GraphQLInputType, name: string): unknown {
  if (isNonNullType(type)) return example(type.ofType, name)
  if (isListType(type)) return [example(type.ofType, name)]
  if (isInputObjectType(type) && INPUTS[type.name]) return INPUTS[type.name]
  if (isInputObjectType(type))
    return Object.fromEntries(
      Object.values(type.getFields())
        .filter((field) => isNonNullType(field.type))
        .map((field) => [field.name, example(field.type, field.name)]),
    )
  if (isEnumType(type)) return must(type.getValues()[0]).name
  if (name === 'consumer' || name === 'account') return tenant
  if (/hash|document|channel/i.test(name)) return `0x${'5a'.repeat(32)}`
  if (name === 'kind') return 'document'
  if (name === 'contributionIds') return '3'
  return (
    { Int: 1, Float: 1, Boolean: true, BigInt: '1', JSON: {} }[type.name] ??
    (name === 'id' || name === 'ids' ? 'r' : '1')
  )
}

/** What another consumer's key is told by the mutations that are not for operators alone. All others say FORBIDDEN. */
const FOR_CONSUMERS: Record<string, string> = {
  infer: 'FORBIDDEN', // for another account
  relay: 'FORBIDDEN',
  openReceipts: 'RECEIPT_NOT_FOUND',
  countersignReceipt: 'RECEIPT_NOT_FOUND',
  deleteTexts: 'BAD_INPUT',
  uploadArtifact: 'done',
}
/** What is signed needs no key: the signature decides. */
const SIGNED: Record<string, string> = {
  submitVoucher: 'BAD_SIGNATURE',
  offerUsage: 'UNKNOWN_EPOCH',
  withdrawContributions: 'WRONG_SIGNER',
}

test('nobody does anything for or to another consumer, and nothing without a key', async () => {
  const { ask, callers, db } = await tenants()
  const fields = Object.values(must(apiSchema().getMutationType()).getFields())
  const codes = async (headers: Record<string, string>) =>
    Object.fromEntries(
      await Promise.all(
        fields.map(async ({ name, args: all, type }) => {
          const args = all.filter((one) => isNonNullType(one.type))
          const variables = Object.fromEntries(args.map((one) => [one.name, example(one.type, one.name)]))
          const heads = args.map((one) => `$${one.name}: ${one.type}`).join(', ')
          const passed = args.map((one) => `${one.name}: $${one.name}`).join(', ')
          const below = isObjectType(getNamedType(type)) ? '{ __typename }' : ''
          const { errors } = await ask(`mutation (${heads}) { ${name}(${passed}) ${below} }`, variables, headers)
          return [name, errors?.[0]?.extensions.code ?? 'done'] as const
        }),
      ),
    )
  const expected = (other: string, special: Record<string, string>) =>
    Object.fromEntries(fields.map(({ name }) => [name, SIGNED[name] ?? special[name] ?? other]))
  const jobs = async () => (await db.query('select id, status, cancel_requested from job_run order by id')).rows
  const before = await jobs()
  expect(await codes(callers.anonymous)).toEqual(expected('UNAUTHENTICATED', {}))
  expect(await codes(callers.other)).toEqual(expected('FORBIDDEN', FOR_CONSUMERS))
  expect(await jobs()).toEqual(before)
})

/** The arguments of each subscription, and the notification after which it tells something. */
const SUBSCRIPTIONS: Record<string, { args: string; change?: Notification }> = {
  jobProgress: { args: '(id: "r")' },
  jobs: { args: '', change: { type: 'job', id: 'r', status: 'Succeeded', progress: 1 } },
  events: { args: '', change: { type: 'retracted', from: 5, to: 5 } },
}

test('whatever is subscribed to, nobody else is told anything of a closed call', async () => {
  const { db, url, callers, logged } = await tenants()
  const fields = Object.values(must(apiSchema().getSubscriptionType()).getFields())
  expect(fields.map(({ name }) => name).sort()).toEqual(Object.keys(SUBSCRIPTIONS).sort())
  const read: string[] = []
  for (const [who, headers] of Object.entries({ consumer: callers.consumer, other: callers.other, anonymous: {} }))
    for (const field of fields) {
      const { args, change } = must(SUBSCRIPTIONS[field.name])
      const client = createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: headers,
      })
      const told = await new Promise<string>((resolve, reject) => {
        const query = `subscription { ${field.name}${args}${selection(field.type, 1)} }`
        client.subscribe({ query }, { next: (item) => resolve(JSON.stringify(item)), error: reject, complete() {} })
        const telling = change && setInterval(() => notify(db, change).catch(reject), 50)
        onTestFinished(() => clearInterval(telling))
      })
      await client.dispose()
      expect([field.name, JSON.parse(told).errors]).toEqual([field.name, undefined])
      const found = secrets.filter((secret) => told.includes(secret))
      if (who === 'consumer') read.push(...(found.length > 0 ? [field.name] : []))
      else expect([field.name, who, found]).toEqual([field.name, who, []])
    }
  expect(read).toEqual(['jobProgress', 'jobs'])
  expect(logged).toEqual([])
})
