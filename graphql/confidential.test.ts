import { expect, test } from 'vitest'
import { Receipt } from '#schema/offchain/attribution.ts'
import { insert } from '#test/factory.ts'
import { CLOSED_FEE, DEPOSIT, SECRET, salt, secrets, tenants as system, TOKENS, tenant } from './test/tenants.ts'

const READ = `{
  receipts { nodes { id prompt answer tokensIn tokensOut fee cumulative salt hash signature isOpen requestHash responseHash totalHash
    attributions { totalCount nodes { id spans influence similarity share contribution { id } } } } }
  receipt(id: "r") { prompt fee }
  answerAttributions { totalCount nodes { id spans } }
  answerAttribution(id: "r-3") { spans }
  contributions { nodes { answers { totalCount nodes { spans receipt { id } } } } }
  jobs { nodes { id input result error } }
  creditHolds { nodes { maximum fee } }
  signedVouchers { nodes { ceiling used signature } }
  overview { receipts fees }
  ledgerTransfers { nodes { id amount } }
  ledgerBalances { nodes { id balance } }
}`

test('of a receipt that is not opened only its consumer and operators see texts, lengths, fees, spans and salt', async () => {
  const { ask, callers } = await system()
  const read = async (headers: object) => {
    const { data, errors } = await ask(READ, {}, headers as Record<string, string>)
    expect(errors).toBeUndefined()
    return { data, text: JSON.stringify(data) }
  }
  for (const mine of [callers.consumer, callers.operator]) {
    const { data, text } = await read(mine)
    for (const secret of secrets) expect(text).toContain(secret)
    expect(data.ledgerTransfers.nodes).toHaveLength(3)
    const balances = data.ledgerBalances.nodes.map(({ id }: { id: string }) => id)
    expect(balances).toEqual(expect.arrayContaining(['hold:r', 'credit:0x5', 'charged:0x5', 'deposits']))
    expect(data.answerAttribution.spans).toEqual([{ text: SECRET, tokens: TOKENS, count: 1 }])
    expect(data.receipts.nodes[0]).toMatchObject({
      fee: `${CLOSED_FEE}`,
      cumulative: `${CLOSED_FEE * 2n}`,
      tokensIn: TOKENS,
      salt,
    })
  }
  for (const nosy of [callers.other, callers.anonymous]) {
    const { data, text } = await read(nosy)
    for (const secret of secrets) expect(text).not.toContain(secret)
    expect(data.receipts.nodes).toMatchObject([{ id: 'r', attributions: { totalCount: 0, nodes: [] } }])
    expect(data.answerAttribution).toBeNull()
    expect(data.overview).toEqual({ receipts: 1, fees: '0' })
    expect(data.ledgerTransfers.nodes).toEqual([{ id: 'deposit/1-0/0', amount: `${DEPOSIT}` }])
    expect(data.ledgerBalances.nodes).toEqual([{ id: 'deposits', balance: `${-DEPOSIT}` }])
  }
})

test('confidential values cannot be found by filters, orders, node ids, exports and subscribed rows', async () => {
  const { ask, callers, url } = await system()
  for (const field of [
    'tokensIn',
    'tokensOut',
    'fee',
    'cumulative',
    'salt',
    'prompt',
    'requestHash',
    'totalHash',
    'x402Receipt',
  ])
    for (const query of [
      `{ receipts(where: { ${field}: { isNull: false } }) { totalCount } }`,
      `{ receipts(orderBy: [{ field: ${field} }]) { totalCount } }`,
    ])
      expect((await ask(query)).errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
  const count = async (where: string, headers: Record<string, string>) =>
    (await ask(`{ receipts(where: ${where}) { totalCount } }`, {}, headers)).data.receipts.totalCount
  for (const where of ['{ attributions: { some: { contributionId: { eq: "3" } } } }', '{ attributions: { some: {} } }'])
    expect([await count(where, callers.anonymous), await count(where, callers.consumer)]).toEqual([0, 1])
  const { data } = await ask('{ answerAttributions { nodes { nodeId } } }', {}, callers.consumer)
  const node = { id: data.answerAttributions.nodes[0].nodeId }
  const byNode = (headers: Record<string, string>) =>
    ask('query ($id: ID!) { node(id: $id) { ... on AnswerAttribution { spans } } }', node, headers)
  expect((await byNode({})).data.node).toBeNull()
  expect((await byNode(callers.consumer)).data.node.spans).toHaveLength(1)
  const exported = async (list: string, headers: Record<string, string>) =>
    (await fetch(`${url}/export.jsonl?${new URLSearchParams({ query: list })}`, { headers })).text()
  const attributions = '{ answerAttributions { nodes { id spans } } }'
  expect(await exported(attributions, {})).toBe('')
  expect(await exported(attributions, callers.consumer)).toContain(SECRET)
  const receipts = await exported('{ receipts { nodes { id fee tokensIn attributions { nodes { spans } } } } }', {})
  for (const secret of secrets) expect(receipts).not.toContain(secret)
})

test('the answer of a call is on its job, for its consumer and operators', async () => {
  const { ask, callers, db } = await system()
  const result = { receiptId: 'r', answer: SECRET, tokensIn: 3, tokensOut: 4, fee: `${CLOSED_FEE}`, finish: 'stop' }
  await db.query(`update job_run set result = $1 where id = 'r'`, [JSON.stringify(result)])
  const read = async (headers: Record<string, string>) =>
    (
      await ask(
        '{ jobs(orderBy: [{ field: id }]) { nodes { id answer { receiptId text tokensIn tokensOut fee finish } } } }',
        {},
        headers,
      )
    ).data.jobs.nodes
  const { answer: text, ...rest } = result
  const none = [
    { id: 'a', answer: null },
    { id: 'b', answer: null },
    { id: 'f', answer: null },
  ]
  for (const mine of [callers.consumer, callers.operator])
    expect(await read(mine)).toEqual([...none, { id: 'r', answer: { ...rest, text } }])
  for (const nosy of [callers.other, callers.anonymous])
    expect(await read(nosy)).toEqual([...none, { id: 'r', answer: null }])
})

test('no aggregate tells of confidential values: neither of columns, nor of rows that the caller may not read', async () => {
  const { ask, callers } = await system()
  for (const field of ['tokensIn', 'fee', 'cumulative', 'prompt']) {
    for (const below of [`values { ${field} { distinct } }`, `groupBy(by: [{ field: ${field} }]) { count }`]) {
      const { errors } = await ask(`{ receipts { aggregate { ${below} } } }`, {}, callers.operator)
      expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
    }
  }
  const query = `{
    answerAttributions { aggregate { count values { influence { sum } share { max } } groupBy(by: [{ field: receiptId }]) { key { receiptId } count } } }
    contributions { nodes { answers { aggregate { count values { influence { sum } } groupBy(by: [{ field: influence }]) { count } } } } }
    ledgerTransfers { aggregate { count values { amount { sum max } } groupBy(by: [{ field: debit }]) { key { debit } } } }
    ledgerBalances { aggregate { count values { balance { min max } } } }
  }`
  for (const nosy of [callers.other, callers.anonymous]) {
    const { data } = await ask(query, {}, nosy)
    const nothing = { count: 0, groupBy: [] }
    expect(data.answerAttributions.aggregate).toMatchObject({ ...nothing, values: { influence: { sum: null } } })
    expect(data.contributions.nodes[0].answers.aggregate).toMatchObject({
      ...nothing,
      values: { influence: { sum: null } },
    })
    expect(data.ledgerTransfers.aggregate).toEqual({
      ...{ count: 1, values: { amount: { sum: `${DEPOSIT}`, max: `${DEPOSIT}` } } },
      groupBy: [{ key: { debit: 'deposits' } }],
    })
    expect(data.ledgerBalances.aggregate).toMatchObject({ count: 1, values: { balance: { max: `${-DEPOSIT}` } } })
  }
  const own = (await ask(query, {}, callers.consumer)).data
  expect(own.answerAttributions.aggregate).toMatchObject({ count: 1, values: { influence: { sum: TOKENS } } })
  expect(own.ledgerTransfers.aggregate.count).toBe(3)
})

test('a consumer opens single receipts; nobody else does, and not after an epoch has paid them', async () => {
  const { ask, callers, db } = await system()
  await insert(db, Receipt, { id: 's', jobId: 'a', consumer: tenant, prompt: 'closed', answer: 'closed', salt })
  await insert(db, Receipt, { id: 'p', jobId: 'f', consumer: tenant, epoch: 4 })
  const open = (ids: string[], headers: Record<string, string>) =>
    ask(
      'mutation ($ids: [ID!]!) { openReceipts(ids: $ids, idempotencyKey: "k") { id isOpen prompt } }',
      { ids },
      headers,
    )
  const code = async (ids: string[], headers: Record<string, string>) =>
    (await open(ids, headers)).errors?.[0]?.extensions.code
  expect(await code(['r'], callers.anonymous)).toBe('UNAUTHENTICATED')
  expect(await code(['r'], callers.other)).toBe('RECEIPT_NOT_FOUND')
  expect(await code(['r'], callers.operator)).toBe('RECEIPT_NOT_FOUND')
  expect(await code(['r', 'none'], callers.consumer)).toBe('RECEIPT_NOT_FOUND')
  expect(await code(['r', 'p'], callers.consumer)).toBe('RECEIPT_PAID')
  expect(await code(Array(101).fill('r'), callers.consumer)).toBe('TOO_COMPLEX')
  expect((await db.query('select id from receipt where is_open')).rows).toEqual([])

  const opened = [{ id: 'r', isOpen: true, prompt: SECRET }]
  for (let again = 0; again < 2; again++)
    expect((await open(['r'], callers.consumer)).data.openReceipts).toEqual(opened)
  const query =
    '{ receipts(orderBy: [{ field: id }]) { nodes { id prompt fee cumulative salt attributions { nodes { spans } } } } }'
  const [, shown, closed] = (await ask(query)).data.receipts.nodes
  expect(shown).toEqual({
    ...{ id: 'r', prompt: SECRET, fee: `${CLOSED_FEE}`, cumulative: null, salt: null },
    attributions: { nodes: [{ spans: [{ text: SECRET, tokens: TOKENS, count: 1 }] }] },
  })
  expect(closed).toMatchObject({ id: 's', prompt: null, fee: null })
})

test('a receipt that was signed without a salt shows neither hash nor signature', async () => {
  const { ask, db, callers } = await system()
  const read = async (headers: Record<string, string>) =>
    (await ask('{ receipt(id: "r") { hash signature } }', {}, headers)).data.receipt
  const [salted, own] = [await read({}), await read(callers.consumer)]
  expect(salted).toEqual(own)
  await db.query('update receipt set salt = null')
  expect(await read({})).toEqual({ hash: null, signature: null })
  expect(await read(callers.consumer)).toEqual(own)
})
