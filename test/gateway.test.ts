import type OpenAI from 'openai'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startWorld, type World } from '#contracts/test/world.ts'
import { me } from '#graphql/test/market.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import { insert } from './factory.ts'
import { long, openHolds, refusal, servedModel, used } from './gatewaySystem.ts'
import { must } from './must.ts'
import { MISSING_ARTIFACT } from './testSystem.ts'

/** Unmodified clients against the real API, a real worker in a process of its own, and a real small model. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

test('models are listed and found by every name; completions are answered, streamed and charged once', async () => {
  const system = await servedModel(world)
  const { openai } = system
  const models = await openai.models.list()
  expect(models.data.map(({ id }) => id)).toEqual(['Clerk', 'endpoint:1', 'endpoint:2'])
  expect(await openai.models.retrieve('version:1')).toMatchObject({ id: 'version:1', object: 'model', endpoint: '1' })

  const request = { model: 'Clerk', prompt: 'thing 1 is red', max_tokens: 12, temperature: 0.9, seed: 7 } as const
  const { data, response } = await openai.completions.create(request).withResponse()
  const [choice] = data.choices
  expect(choice?.text).not.toBe('')
  expect(data.usage).toMatchObject({ completion_tokens: expect.any(Number), prompt_tokens: expect.any(Number) })
  const receipt = must(response.headers.get('x-receipt-id'))
  const stored = (
    await system.ask('query ($id: ID!) { receipt(id: $id) { answer tokensIn tokensOut fee } }', { id: receipt })
  ).data.receipt
  expect(stored).toMatchObject({
    answer: choice?.text,
    tokensIn: data.usage?.prompt_tokens,
    tokensOut: data.usage?.completion_tokens,
  })
  expect(await used(system)).toBe(BigInt(stored.fee))
  expect((data as unknown as { receipt: object }).receipt).toEqual({ id: receipt, fee: stored.fee })

  const streamed = await openai.completions.create({
    ...request,
    stream: true,
    stream_options: { include_usage: true },
    logprobs: 2,
  })
  let text = ''
  let last: typeof data | undefined
  const tokens: string[] = []
  for await (const chunk of streamed) {
    text += chunk.choices[0]?.text ?? ''
    tokens.push(...(chunk.choices[0]?.logprobs?.tokens ?? []))
    last = chunk as typeof data
  }
  expect(text).toBe(choice?.text) // the same seed
  expect(tokens).toHaveLength(must(data.usage).completion_tokens)
  expect(last).toMatchObject({ choices: [], usage: data.usage })
  expect(await used(system)).toBe(2n * BigInt(stored.fee))
  expect(await openHolds(system)).toBe(0)
  expect(system.logged).toEqual([])
})

const messages = [
  { role: 'system' as const, content: 'Name colours.' },
  { role: 'user' as const, content: 'thing 1 is red' },
]
const tools = ['paint', 'wash'].map((name) => ({
  type: 'function' as const,
  function: {
    name,
    description: `To ${name} a thing.`,
    parameters: {
      type: 'object',
      properties: { colour: { $ref: '#/$defs/colour' }, coats: { type: 'integer' } },
      required: ['colour'],
      additionalProperties: false,
      $defs: { colour: { enum: ['red', 'green'] } },
    },
  },
}))

test('what a consumer asked before is not read again, and costs the same', async () => {
  const { openai } = await servedModel(world)
  const content = 'thing 1 is red '.repeat(20)
  const asked = { model: 'Clerk', messages: [{ role: 'user' as const, content }], max_tokens: 4, seed: 7 }
  const first = await openai.chat.completions.create(asked)
  const usage = must(first.usage)
  expect(usage.prompt_tokens_details).toEqual({ cached_tokens: 0 })
  const again = await openai.chat.completions.create(asked)
  expect(again.choices).toEqual(first.choices)
  // The last token of a prompt is read to answer.
  const cached = usage.prompt_tokens - 1
  expect(again.usage).toEqual({ ...usage, prompt_tokens_details: { cached_tokens: cached } })
  const response = await openai.responses.create({
    model: 'Clerk',
    input: content,
    max_output_tokens: 4,
  })
  expect(response.usage?.input_tokens_details.cached_tokens).toBe(cached)
})

test('chat: streams with usage and log-probabilities, tools, schemas and several answers', async () => {
  const system = await servedModel(world)
  const { openai } = system
  const request = {
    model: 'model:1',
    messages,
    max_tokens: 12,
    temperature: 0.9,
    seed: 7,
    logprobs: true,
    top_logprobs: 2,
  } as const
  const whole = await openai.chat.completions.create(request)
  const [choice] = whole.choices
  expect(choice?.message.content).not.toBe('')
  expect(choice?.logprobs?.content).toHaveLength(must(whole.usage).completion_tokens)
  expect(must(choice?.logprobs?.content?.[0]).top_logprobs).toHaveLength(2)
  const again = await openai.chat.completions.create(request)
  expect(again.choices).toEqual(whole.choices)

  const runner = openai.chat.completions.stream({ ...request, stream_options: { include_usage: true } })
  const streamed = await runner.finalChatCompletion()
  expect(streamed.choices[0]?.message.content).toBe(choice?.message.content)
  expect(streamed.choices[0]?.logprobs?.content).toEqual(choice?.logprobs?.content)
  expect(streamed.usage).toEqual(whole.usage)
  const { receipt } = whole as unknown as { receipt: { id: string } }
  const asked = (await system.ask('query ($id: ID!) { receipt(id: $id) { prompt } }', { id: receipt.id })).data.receipt
  expect(asked.prompt).toBe(
    '{"messages":[{"content":"Name colours.","role":"system"},{"content":"thing 1 is red","role":"user"}]}',
  )

  const plain = { model: 'endpoint:1', messages, seed: 3, tools, max_tokens: 600 } as const
  const required = await openai.chat.completions.create({ ...plain, tool_choice: 'required' })
  const calls = must(required.choices[0]?.message.tool_calls)
  expect(required.choices[0]?.finish_reason).toBe('tool_calls')
  for (const call of calls) {
    if (call.type !== 'function') throw new Error(call.type)
    expect(['paint', 'wash']).toContain(call.function.name)
    expect(['red', 'green']).toContain(JSON.parse(call.function.arguments).colour)
  }
  const named = openai.chat.completions.stream({
    ...plain,
    tool_choice: { type: 'function', function: { name: 'wash' } },
    logprobs: true,
    stream_options: { include_usage: true },
  })
  const washed = must((await named.finalChatCompletion()).choices[0])
  expect(washed.message.tool_calls).toHaveLength(1)
  expect(washed.message.tool_calls?.[0]).toMatchObject({ function: { name: 'wash' } })
  expect(washed.logprobs?.content?.map(({ token }) => token).join('')).toContain('"name":')
  const turn = await openai.chat.completions.create({
    ...plain,
    tool_choice: 'none',
    messages: [
      ...messages,
      must(required.choices[0]).message,
      { role: 'tool', tool_call_id: must(calls[0]).id, content: 'done' },
    ],
  })
  expect(turn.choices[0]?.message.tool_calls).toBeUndefined()

  const json = await openai.chat.completions.create({
    ...{ model: 'Clerk', messages, max_tokens: 40, n: 2, temperature: 1 },
    response_format: { type: 'json_object' },
  })
  expect(json.choices).toHaveLength(2)
  for (const { message } of json.choices) expect(JSON.parse(must(message.content))).toBeTypeOf('object')
  const written = await openai.chat.completions.create({ model: 'Clerk', messages, ...long(20) })
  expect(JSON.parse(must(written.choices[0]?.message.content)).text).toHaveLength(20)
  expect(await openHolds(system)).toBe(0)
  expect(system.logged).toEqual([])
})

test('embeddings: of texts and tokens, as floats and base64, charged for their tokens once, with a receipt', async () => {
  const system = await servedModel(world)
  const { openai, db } = system
  const input = ['thing 1 is red', 'thing 2 is green']
  const { data: both, response } = await openai.embeddings.create({ model: 'Clerk', input }).withResponse()
  expect(both.data.map(({ index }) => index)).toEqual([0, 1])
  for (const { embedding } of both.data) {
    expect(embedding).toHaveLength(32)
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 5)
  }
  const tokens = both.usage.prompt_tokens
  expect(both.usage).toEqual({ prompt_tokens: tokens, total_tokens: tokens })
  const { rows } = await db.query(
    'select id, prompt, answer, tokens_in as "tokensIn", tokens_out as "tokensOut", fee, channel_id as channel from receipt',
  )
  const [receipt] = rows
  expect(receipt).toMatchObject({ prompt: JSON.stringify({ embed: input }), tokensIn: tokens, tokensOut: 0 })
  expect(receipt.fee).toBe(BigInt(tokens)) // 1,000 wei for 1,000 tokens, and nothing for what was read out
  expect(response.headers.get('x-receipt-id')).toBe(receipt.id)
  expect(both).toMatchObject({ receipt: { id: receipt.id, fee: String(receipt.fee) } })
  expect(await used(system)).toBe(receipt.fee)
  const signed = JSON.parse(receipt.answer).embeddings.map((vector: string) => [
    ...new Float32Array(new Uint8Array(Buffer.from(vector, 'base64')).buffer),
  ])
  expect(signed).toEqual(both.data.map(({ embedding }) => embedding))

  const one = await openai.embeddings.create({ model: 'endpoint:1', input: must(input[0]), encoding_format: 'float' })
  const near = (vector: readonly number[]) => vector.map((value) => expect.closeTo(value, 4))
  expect(one.data[0]?.embedding).toEqual(near(must(both.data[0]).embedding))
  const raw = await openai.embeddings.create({ model: 'endpoint:1', input: [5, 6, 7], encoding_format: 'base64' })
  expect(Buffer.from(must(raw.data[0]).embedding as unknown as string, 'base64')).toHaveLength(32 * 4)
  expect(raw.usage.prompt_tokens).toBe(3)
  const keyed = { headers: { 'idempotency-key': 'embed' } }
  const lists = { model: 'endpoint:1', input: [[5, 6, 7], [8]] }
  const first = await openai.embeddings.create(lists, keyed)
  const again = await openai.embeddings.create(lists, keyed)
  expect(again).toEqual(first)
  expect(first.data[0]?.embedding).toHaveLength(32)
  expect(await used(system)).toBe(receipt.fee + BigInt(one.usage.prompt_tokens + 3 + 4))
  expect(await openHolds(system)).toBe(0)
  expect((await db.query(`select id from job_run where kind = 'attribute'`)).rows).toEqual([]) // nothing to trace
  const { errors } = await system.ask(
    'mutation ($ids: [ID!]!) { openReceipts(ids: $ids, idempotencyKey: "o") { id } }',
    {
      ids: [receipt.id],
    },
  )
  expect(errors?.[0]?.extensions.code).toBe('NOT_TRACED')
  expect(system.logged).toEqual([])
})

test('what cannot be answered is refused at once, in OpenAI’s form, and costs nothing', async () => {
  const system = await servedModel(world)
  const { openai } = system
  const chat = (more: object, client = openai) =>
    refusal(client.chat.completions.create({ model: 'Clerk', messages, ...more } as never))
  expect(await chat({ model: 'gpt-4o' })).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
  expect(await chat({ model: undefined })).toMatchObject({
    status: 400,
    code: 'missing_required_parameter',
    param: 'model',
  })
  expect(await chat({ n: 1000 })).toMatchObject({
    status: 400,
    param: 'n',
    message: expect.stringContaining('at most 16'),
  })
  expect(await chat({ max_tokens: 1e9 })).toMatchObject({
    status: 400,
    param: 'max_tokens',
    message: expect.stringContaining('4096'),
  })
  expect(await chat({ colour: 'red' })).toMatchObject({ status: 400, code: 'unknown_parameter', param: 'colour' })
  expect(await chat({ frequency_penalty: 2.1 })).toMatchObject({ status: 400, param: 'frequency_penalty' })
  expect(await chat({ logit_bias: { 5: 101 } })).toMatchObject({ status: 400, param: 'logit_bias.5' })
  expect(await chat({ logit_bias: { 9999999: 1 } })).toMatchObject({ status: 400 })
  expect(await chat({ messages: [] })).toMatchObject({ status: 400, param: 'messages' })
  expect(await chat({ messages: [{ role: 'user', content: '\ud800' }] })).toMatchObject({ status: 400 })
  const nul = refusal(openai.completions.create({ model: 'Clerk', prompt: 'x\0y' }))
  expect(await nul).toMatchObject({ status: 400, type: 'invalid_request_error' })
  expect(await chat({ messages: [{ role: 'user', content: 'x'.repeat(40_000) }] })).toMatchObject({ status: 400 })
  expect(await chat({ messages: [{ role: 'user', content: 'x'.repeat(3_000_000) }] })).toMatchObject({ status: 413 })
  expect(await chat({ tool_choice: 'required' })).toMatchObject({ status: 400, param: 'tool_choice' })
  expect(await chat({ model: 'endpoint:2' })).toMatchObject({
    status: 402,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: expect.stringMatching(/Deposit at least \d+ wei/),
  })
  expect(await chat({}, system.client({}))).toMatchObject({ status: 402 }) // nobody is named who pays
  expect(await chat({}, system.client({ 'x-consumer': 'me' }))).toMatchObject({ status: 400, param: 'x-consumer' })
  const embed = (more: object, client = openai) =>
    refusal(client.embeddings.create({ model: 'Clerk', input: 'x', ...more } as never))
  expect(await embed({ dimensions: 8 })).toMatchObject({ status: 400, param: 'dimensions' })
  for (const input of ['', [], [''], [[]], [1, 'x'], [0.5], { text: 'x' }, Array.from({ length: 257 }, () => 'x')])
    expect(await embed({ input })).toMatchObject({ status: 400, param: expect.stringMatching(/^input\b/) })
  expect(await embed({ input: 'x'.repeat(40_000) })).toMatchObject({ status: 400 })
  expect(await embed({ encoding_format: 'int8' })).toMatchObject({ status: 400, param: 'encoding_format' })
  expect(await embed({}, system.client({ 'x-consumer': me, 'x-open': 'true' }))).toMatchObject({
    status: 400,
    message: expect.stringContaining('not traced'),
  })
  expect(await embed({ model: 'endpoint:2' })).toMatchObject({ status: 402 })
  const schema = { type: 'string', pattern: 'a*' }
  for (const stream of [false, true])
    expect(
      await chat({ stream, response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } }),
    ).toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      message: expect.stringContaining('pattern'),
    })
  expect(await embed({ input: [[1], [304]] })).toMatchObject({
    status: 400,
    type: 'invalid_request_error',
    message: expect.stringContaining('Text 1: it has token 304'),
  })
  const { rows } = await system.db.query('select status, attempt from job_run')
  expect(rows).toEqual([1, 2, 3, 4].map(() => ({ status: 'Failed', attempt: 1 })))
  const special = await openai.completions.create({
    model: 'Clerk',
    prompt: '<|agent|><|end|>\n\ndata: [DONE]\n\n',
    stream: true,
    max_tokens: 8,
    seed: 1,
  })
  let chunks = 0
  for await (const chunk of special) chunks += chunk.choices.length
  expect(chunks).toBeGreaterThan(0)
  expect(await openHolds(system)).toBe(0)
  expect(system.logged).toEqual([])
})

test('a client that leaves pays what was generated; one with an idempotency key comes back for the same answer', async () => {
  const system = await servedModel(world)
  const { openai, db } = system
  const request = { model: 'Clerk', messages, seed: 5, ...long(3000) }
  const jobOf = async () =>
    must(
      (
        await db.query(
          `select id, status, result, error from job_run where kind = 'infer' order by created_at desc limit 1`,
        )
      ).rows[0],
    )

  const started = performance.now()
  const leaving = await openai.chat.completions.create({ ...request, stream: true })
  let text = ''
  for await (const chunk of leaving) {
    text += chunk.choices[0]?.delta.content ?? ''
    if (text.length > 40) break
  }
  leaving.controller.abort()
  await vi.waitFor(async () => expect(await jobOf()).toMatchObject({ status: 'Succeeded' }), 20_000)
  const cut = await jobOf()
  expect(cut.result).toMatchObject({ finish: 'cancelled' })
  expect(cut.result.answer.startsWith(text)).toBe(true)
  expect(cut.result.tokensOut).toBeLessThan(2900)
  expect(await used(system)).toBe(BigInt(cut.result.fee))
  expect(await openHolds(system)).toBe(0)

  const headers = { 'idempotency-key': 'once' }
  const first = await openai.chat.completions.create({ ...request, ...long(300), stream: true }, { headers })
  for await (const _ of first) break
  first.controller.abort()
  const two = await Promise.all(
    [1, 2].map(() => openai.chat.completions.create({ ...request, ...long(300) }, { headers })),
  )
  expect(two[0]).toEqual(two[1])
  expect(await refusal(openai.chat.completions.create({ ...request, ...long(301) }, { headers }))).toMatchObject({
    status: 422,
  })
  const total = BigInt(cut.result.fee) + BigInt((two[0] as unknown as { receipt: { fee: string } }).receipt.fee)
  expect(await used(system)).toBe(total)
  expect(performance.now() - started).toBeLessThan(120_000)
  expect(system.logged).toEqual([])
})

test('the first token and the tokens of streamed answers are timed by route and endpoint, once, however the route is spelled', async () => {
  const registry = new Registry()
  const { openai, url } = await servedModel(world, { registry })
  const drain = async (stream: AsyncIterable<unknown>) => {
    for await (const _ of stream);
  }
  const chat = { model: 'endpoint:1', messages: [{ role: 'user' as const, content: 'thing 1 is red' }], ...long(300) }
  await drain(await openai.chat.completions.create({ ...chat, stream: true }))
  await openai.chat.completions.create(chat) // not streamed: it has no first token
  const shouted = await fetch(`${url}/v1/Chat/COMPLETIONS`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-consumer': me },
    body: JSON.stringify({ ...chat, stream: true }),
  })
  expect(await shouted.text()).toContain('[DONE]')
  const asked = { model: 'endpoint:1', input: 'thing 1 is red', max_output_tokens: 6 }
  const response = await openai.responses.create(asked)
  await drain(await openai.responses.create({ ...asked, stream: true }))
  await drain(await openai.responses.retrieve(response.id, { stream: true })) // read again
  const counts = async (name: string) => {
    const { values } = await must(registry.getSingleMetric(name)).get()
    return values
      .filter((one) => 'metricName' in one && one.metricName === `${name}_count`)
      .map(({ labels, value }) => [labels, value])
  }
  expect(await counts('modelcommons_answer_first_token_seconds')).toEqual([
    [{ route: '/chat/completions', endpoint: '1' }, 2],
    [{ route: '/responses', endpoint: '1' }, 1],
  ])
  const [chats] = await counts('modelcommons_answer_token_seconds')
  expect(chats).toEqual([{ route: '/chat/completions', endpoint: '1' }, 2])
})

test('a worker that is killed in the middle of a stream while the version changes: the answer goes on where it was, and is charged once', async () => {
  const system = await servedModel(world)
  const { openai, db } = system
  // Promoted, but no endpoint serves it yet: the model’s name still means the one before.
  await insert(db, ModelVersion, { id: '2', modelId: '1', status: 'Promoted', adapterHash: MISSING_ARTIFACT })
  await db.query(`update model set live_version_id = '2' where id = '1'`)
  const stream = await openai.chat.completions.create({
    ...{ model: 'Clerk', messages, seed: 5, temperature: 1, ...long(2500) },
    ...{ stream: true, stream_options: { include_usage: true } },
  })
  let text = ''
  let usage: OpenAI.CompletionUsage | null | undefined
  let isKilled = false
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    usage = chunk.usage
    if (text.length < 40 || isKilled) continue
    await db.query(`update endpoint set version_id = '2' where id = '1'`)
    process.kill(must(system.worker.pid), 'SIGKILL')
    isKilled = true
  }
  const { rows } = await db.query(
    `select j.result, j.attempt, r.version_id as version from job_run j join receipt r on r.id = j.id`,
  )
  expect(rows[0]).toMatchObject({
    attempt: 2,
    version: '1',
    result: { answer: text, tokensOut: usage?.completion_tokens },
  })
  expect([...JSON.parse(text).text]).toHaveLength(2500)
  expect(await used(system)).toBe(BigInt(rows[0].result.fee))
  expect(await openHolds(system)).toBe(0)
})

test('responses are created, streamed, continued, read and cancelled; Anthropic’s messages are answered', async () => {
  const system = await servedModel(world)
  const { openai } = system
  const created = await openai.responses.create({
    model: 'Clerk',
    input: 'thing 1 is red',
    instructions: 'Name it.',
    max_output_tokens: 12,
  })
  expect(['completed', 'incomplete']).toContain(created.status)
  const read = await openai.responses.retrieve(created.id)
  expect(read.output).toEqual(created.output)
  expect(read.usage).toEqual(created.usage)
  const types: string[] = []
  const streamed = await openai.responses.create({
    ...{
      model: 'Clerk',
      input: 'and 2?',
      previous_response_id: created.id,
      max_output_tokens: 200,
      stream: true,
      tools: [],
    },
    text: { format: { type: 'json_schema', name: 'x', schema: long(30).response_format.json_schema.schema } },
  })
  let text = ''
  for await (const event of streamed) {
    types.push(event.type)
    if (event.type === 'response.output_text.delta') text += event.delta
    if (event.type === 'response.completed') expect(event.response.output_text ?? text).toBe(text)
  }
  expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
    ...['response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added'],
    ...[
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
    ],
    'response.completed',
  ])
  const { rows } = await system.db.query(
    `select input->>'chat' as chat from job_run where kind = 'infer' order by created_at desc limit 1`,
  )
  expect(JSON.parse(rows[0].chat).messages.map(({ role }: { role: string }) => role)).toEqual([
    'user',
    'assistant',
    'user',
  ])
  const called = await openai.responses.create({
    ...{ model: 'Clerk', input: 'wash it', tool_choice: 'required', max_output_tokens: 600 },
    tools: tools.map(({ function: of }) => ({ type: 'function', ...of, strict: false })),
  })
  expect(called.output[0]).toMatchObject({ type: 'function_call', status: 'completed' })
  const background = await openai.responses.create({
    ...{ model: 'Clerk', input: 'x', background: true, max_output_tokens: 4096 },
    text: { format: { type: 'json_schema', name: 'x', schema: long(3000).response_format.json_schema.schema } },
  })
  expect(background.status).toBe('queued')
  expect((await openai.responses.cancel(background.id)).status).toBe('cancelled')
  expect(await refusal(openai.responses.retrieve('resp_00000000000000000000000000000000'))).toMatchObject({
    status: 404,
  })

  const message = (more: object) =>
    fetch(`${system.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-consumer': me, 'x-api-key': 'any-key' },
      body: JSON.stringify({
        model: 'Clerk',
        max_tokens: 600,
        messages: [{ role: 'user', content: 'thing 1 is red' }],
        ...more,
      }),
    })
  const said = await message({
    tools: [{ name: 'wash', input_schema: { type: 'object', properties: {} } }],
    tool_choice: { type: 'any', disable_parallel_tool_use: true },
  })
  expect(await said.json()).toMatchObject({
    type: 'message',
    stop_reason: 'tool_use',
    content: [{ type: 'tool_use', name: 'wash', input: {} }],
  })
  const events = await (await message({ stream: true, max_tokens: 8 })).text()
  expect(
    [...events.matchAll(/^event: (.*)$/gm)]
      .map(([, name]) => name)
      .filter((name, index, all) => name !== all[index - 1]),
  ).toEqual([
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ])
  expect(await (await message({ model: 'none' })).json()).toMatchObject({
    type: 'error',
    error: { type: 'not_found_error' },
  })
  await vi.waitFor(async () => expect(await openHolds(system)).toBe(0), 20_000)
  expect(system.logged).toEqual([])
})

test('penalties and biases of a request reach the sampler by each route that has them', async () => {
  const { openai } = await servedModel(world)
  const asked = { model: 'endpoint:1', max_tokens: 6, temperature: 0 }
  const complete = async (more: object) =>
    must((await openai.completions.create({ ...asked, prompt: 'thing 1 is red', logprobs: 1, ...more })).choices[0])
      .logprobs?.tokens
  const forced = must(await complete({ logit_bias: { 20: 100 } }))
  expect([forced.length, new Set(forced).size]).toEqual([6, 1])
  // A penalty for each time that the answer has a token overcomes its bias, in the end.
  const penalised = must(await complete({ logit_bias: { 20: 6, 21: 6 }, frequency_penalty: 2, presence_penalty: 2 }))
  expect(new Set(penalised).size).toBeGreaterThan(1)
  const messages = [{ role: 'user' as const, content: 'thing 1 is red' }]
  const chat = await openai.chat.completions.create({ ...asked, messages, logprobs: true, logit_bias: { 20: 100 } })
  expect(chat.choices[0]?.logprobs?.content?.map(({ token }) => token)).toEqual(forced)
  const penalties = { presence_penalty: 1, frequency_penalty: -0.5 }
  const response = await openai.responses.create({
    model: 'endpoint:1',
    input: 'x',
    max_output_tokens: 2,
    ...penalties,
  } as never)
  expect(response).toMatchObject(penalties)
  expect(await openai.responses.retrieve((response as { id: string }).id)).toMatchObject(penalties)
})
