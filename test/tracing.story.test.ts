import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startWorld } from '#contracts/test/world.ts'
import { findJob } from '#schema/enqueue.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { serveTinyModel, startServices } from './servingSystem.ts'
import { testSystem } from './testSystem.ts'

interface ReceivedSpan {
  service: string
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  attributes: Record<string, unknown>
  failed: boolean
}

/** A collector: receives OTLP over HTTP as JSON. https://opentelemetry.io/docs/specs/otlp/#otlphttp */
async function collector() {
  const spans: ReceivedSpan[] = []
  const paths = new Set<string>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    paths.add(`${request.method} ${request.url}`)
    for (const { resource, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans) {
      const service = valuesOf(resource.attributes)['service.name'] as string
      for (const span of scopeSpans.flatMap((one: { spans: object[] }) => one.spans))
        spans.push({ ...span, service, attributes: valuesOf(span.attributes), failed: span.status?.code === 2 })
    }
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, paths }
}

const valuesOf = (attributes: { key: string; value: Record<string, unknown> }[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

test('one infer mutation is one trace through API, job, worker, engine and chain, in two processes', async () => {
  const world = await startWorld()
  onTestFinished(() => world.anvil.stop())
  const system = await testSystem(world)
  const input = await serveTinyModel(system)
  const { url, spans, paths } = await collector()
  const [api, worker] = await startServices(system, ['api', 'worker'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  })
  const client = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
  const response = await fetch(`${api?.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${client.traceId}-${client.spanId}-01` },
    body: JSON.stringify({
      query: 'mutation ($input: InferInput!) { infer(input: $input, idempotencyKey: "traced") { id } }',
      variables: { input },
    }),
  })
  const { data, errors } = (await response.json()) as { data: { infer: { id: string } }; errors?: unknown }
  expect(errors).toBeUndefined()
  await vi.waitFor(
    async () => expect(await findJob(system.db, data.infer.id)).toMatchObject({ status: 'Succeeded', error: null }),
    { timeout: 60_000, interval: 50 },
  )
  // The follow-up job fails in this small system: its spans belong to the same trace, too, and say so.
  await vi.waitFor(() => expect(spans.some(({ name }) => name === 'job attribute')).toBe(true), { timeout: 60_000 })
  await Promise.all([api?.stop(), worker?.stop()])

  expect([...paths]).toEqual(['POST /v1/traces'])
  const trace = spans.filter(({ traceId }) => traceId === client.traceId)
  const find = (name: string) => trace.find((span) => span.name === name) ?? expect.fail(`no span ${name}`)
  const path = ['POST /graphql', 'enqueue infer', 'job infer']
  for (const [index, name] of path.entries())
    expect(find(name).parentSpanId).toBe(index ? find(path[index - 1] as string).spanId : client.spanId)
  for (const name of ['engine generate', 'chain sign']) expect(find(name).parentSpanId).toBe(find('job infer').spanId)
  expect(find('job attribute').parentSpanId).toBe(find('job infer').spanId)
  const services = {
    'POST /graphql': 'api',
    'enqueue infer': 'api',
    'job infer': 'worker',
    'engine generate': 'worker',
  }
  for (const [name, service] of Object.entries(services)) expect(find(name).service).toBe(`modelcommons-${service}`)
  expect(find('job infer').attributes).toMatchObject({ 'job.id': data.infer.id, 'job.kind': 'infer' })
  expect(find('job infer').failed).toBe(false)
})

test('the span of a failed job says so, under the service name of the environment', async () => {
  const world = await startWorld()
  onTestFinished(() => world.anvil.stop())
  const { url, spans } = await collector()
  const system = await testSystem(world)
  const [worker] = await startServices(system, ['worker'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_SERVICE_NAME: 'mine',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  })
  const { data } = await system.ask(
    'mutation { fineTune(input: { modelId: "2", datanetId: "2" }, idempotencyKey: "k") { id } }',
  )
  await vi.waitFor(async () => expect((await findJob(system.db, data.fineTune.id)).status).toBe('Failed'), {
    timeout: 30_000,
  })
  await worker?.stop()
  expect(spans).toContainEqual(expect.objectContaining({ name: 'job fineTune', service: 'mine', failed: true }))
})

test('without a collector the SDK and the exporter are not loaded', async () => {
  const folder = await temporaryFolder()
  const { PATH = '', HOME = '' } = process.env
  const loaded = async (env: Record<string, string>) => {
    const file = join(folder, 'loaded')
    const output = openSync(file, 'w') // a pipe would lose what a process has not written when it exits
    spawnSync(process.execPath, ['bin/modelcommons.js', 'worker'], {
      cwd: join(import.meta.dirname, '..'),
      env: { PATH, HOME, NODE_DEBUG: 'module', ...env }, // Node tells of every file that it loads
      stdio: ['ignore', 'ignore', output],
    })
    closeSync(output)
    const text = await readFile(file, 'utf8')
    expect(text).toContain('DATABASE_URL: required') // it came that far
    return ['sdk-trace-node', 'exporter-trace-otlp-http'].filter((name) => text.includes(`@opentelemetry/${name}/`))
  }
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }
  expect(await loaded({})).toEqual([])
  expect(await loaded({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toEqual([])
  expect(await loaded(endpoint)).toHaveLength(2)
})
