import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { startWorld, type World } from '#contracts/test/world.ts'
import { READ_TOOLS } from '#gateway/mcp/reads.ts'
import { me } from '#graphql/test/market.ts'
import { Proposal } from '#schema/onchain/governance.ts'
import { Evaluation } from '#schema/onchain/models.ts'
import { insert } from './factory.ts'
import { long, openHolds, servedModel, used } from './gatewaySystem.ts'
import { type Era, mcpClient, REVISION_OF } from './mcpSystem.ts'
import { must } from './must.ts'

/** Unmodified clients of the Model Context Protocol against the real API, a real worker, and a real small model. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

interface Answer {
  text: string
  finish: string
  fee: string
  receipt: string
  version: string
}

test('agents of both revisions, over HTTP and over standard input, list, ask, pay and read the same', async () => {
  const system = await servedModel(world)
  await insert(system.db, Evaluation, { id: '1', versionId: '1', metric: 'exact', score: 900_000n, n: 10 })
  await insert(system.db, Proposal, { id: '1', description: `A model. ${'x'.repeat(5000)}` })
  const stdio = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const { PATH = '', HOME = '' } = process.env
  await stdio.connect(
    new StdioClientTransport({
      ...{ command: process.execPath, args: ['bin/modelcommons.js', 'mcp', '--api', system.url, '--consumer', me] },
      env: { PATH, HOME },
    }),
  )
  onTestFinished(() => stdio.close())
  const http = (era: Era) => mcpClient(system.url, era)
  const clients = [await http('legacy'), await http('auto'), stdio]
  expect(clients.map((client) => client.getNegotiatedProtocolVersion())).toEqual([
    REVISION_OF.legacy,
    REVISION_OF.auto,
    REVISION_OF.auto,
  ])
  const call = async <T>(client: Client, name: string, given: object) =>
    (await client.callTool({ name, arguments: { ...given } })) as unknown as { structuredContent: T }
  let paid = 0n
  const answers: Answer[] = []
  for (const client of clients) {
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['list_models', 'infer', ...READ_TOOLS.map(({ name }) => name)])
    for (const { outputSchema, inputSchema } of tools)
      expect([inputSchema.type, outputSchema?.type]).toEqual(['object', 'object'])
    const listed = await call<{ models: { id: string }[] }>(client, 'list_models', {})
    expect(listed.structuredContent.models.map(({ id }) => id)).toEqual(['Clerk', 'endpoint:1', 'endpoint:2'])
    const heard: string[] = []
    const asked = await client.callTool(
      { name: 'infer', arguments: { model: 'Clerk', prompt: 'thing 1 is red', maxTokens: 12, seed: 5 } },
      { onprogress: ({ message }) => heard.push(message ?? '') },
    )
    const answer = asked.structuredContent as unknown as Answer
    expect(asked.content).toMatchObject([{ type: 'text', text: answer.text }, { type: 'resource_link' }])
    // The SDK's clients drop progress that comes in one piece with the result.
    expect(answer.text.startsWith(heard.join(''))).toBe(true)
    paid += BigInt(answer.fee)
    expect(await used(system)).toBe(paid)
    answers.push(answer)

    const { contents } = await client.readResource({ uri: `modelcommons://receipts/${answer.receipt}` })
    expect(JSON.parse((must(contents[0]) as { text: string }).text)).toMatchObject({
      answer: answer.text,
      fee: answer.fee,
      consumer: me,
    })
    const { resources } = await client.listResources()
    expect(resources.map(({ uri }) => uri)).toEqual(['modelcommons://versions/1'])
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(4)
    const version = await client.readResource({ uri: 'modelcommons://versions/1' })
    expect(JSON.parse((must(version.contents[0]) as { text: string }).text)).toMatchObject({ modelId: '1' })
    const card = await client.readResource({ uri: 'modelcommons://versions/1/card.md' })
    expect((must(card.contents[0]) as { text: string }).text).toContain('Clerk')
    for (const uri of ['versions/9', 'receipts/none', 'versions/1/none', 'nothing/1'])
      await expect(client.readResource({ uri: `modelcommons://${uri}` })).rejects.toThrow(/not found/i)

    const lineage = await call<{ lineage: { nodes: object[] } }>(client, 'lineage', { versionId: '1' })
    expect(lineage.structuredContent.lineage.nodes[0]).toMatchObject({ key: 'ModelVersion:1' })
    const evaluated = await call(client, 'evaluations', { versionId: '1' })
    expect(evaluated.structuredContent).toMatchObject({
      modelVersion: { evaluations: { nodes: [{ metric: 'exact', score: '900000' }] } },
    })
    const proposals = await call<{ proposals: { nodes: { description: string }[] } }>(client, 'list_proposals', {})
    expect(must(proposals.structuredContent.proposals.nodes[0]).description.length).toBeLessThan(2_100)
    for (const [name, given, told] of [
      ['lineage', { versionId: '9' }, /There is no version 9/],
      ['evaluations', { versionId: '9' }, /There is no such version/],
      ['explain_reward', { account: me, epoch: '1' }, /Epoch 1/],
      ['infer', { model: 'none', prompt: 'x' }, /model_not_found/],
      ['infer', { model: 'Clerk' }, /either `prompt` or `messages`/],
      ['infer', { model: 'endpoint:2', prompt: 'x' }, /Deposit at least \d+ wei/],
    ] as const) {
      const refused = await client.callTool({ name, arguments: { ...given } })
      expect([refused.isError, JSON.stringify(refused.content)]).toEqual([true, expect.stringMatching(told)])
    }
  }
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(await openHolds(system)).toBe(0)
  expect(system.logged).toEqual([])
})

test.each(['legacy', 'auto', 'stdio'] as const)(
  'a call that is cancelled pays what was generated; one with a key is made once (%s)',
  async (way) => {
    const system = await servedModel(world)
    const client = way === 'stdio' ? await overStdio(system.url) : await mcpClient(system.url, way)
    const { schema } = long(3000).response_format.json_schema
    const arguments_ = { model: 'Clerk', prompt: 'thing 1 is red', maxTokens: 4096, temperature: 1, seed: 3, schema }
    const abort = new AbortController()
    let heard = ''
    const asked = client.callTool(
      { name: 'infer', arguments: arguments_ },
      {
        signal: abort.signal,
        onprogress({ message }) {
          heard += message
          if (heard.length > 40) abort.abort()
        },
      },
    )
    await expect(asked).rejects.toThrow()
    const job = async () =>
      must((await system.db.query(`select status, result from job_run where kind = 'infer'`)).rows[0])
    await vi.waitFor(async () => expect((await job()).status).toBe('Succeeded'), 20_000)
    const { result } = await job()
    expect(result).toMatchObject({ finish: 'cancelled' })
    expect(result.answer.startsWith(heard.slice(0, 40))).toBe(true)
    expect(result.tokensOut).toBeLessThan(2900)
    await vi.waitFor(async () => expect(await openHolds(system)).toBe(0), 20_000)

    const once = { model: 'Clerk', prompt: 'thing 2', maxTokens: 8, idempotencyKey: 'once' }
    const two = await Promise.all([1, 2].map(() => client.callTool({ name: 'infer', arguments: once })))
    expect(two[0]).toEqual(two[1])
    const { fee } = must(two[0]).structuredContent as unknown as Answer
    expect(await used(system)).toBe(BigInt(result.fee) + BigInt(fee))
    expect(system.logged).toEqual([])
  },
)

async function overStdio(url: string) {
  const client = new Client({ name: 'test', version: '1' })
  const { PATH = '', HOME = '' } = process.env
  const args = ['bin/modelcommons.js', 'mcp', '--consumer', me]
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args, env: { PATH, HOME, MODELCOMMONS_API: url } }),
  )
  onTestFinished(() => client.close())
  return client
}
