import { expect, onTestFinished, test, vi } from 'vitest'
import { startWorld } from '#contracts/test/world.ts'
import { findJob } from '#schema/enqueue.ts'
import { freePort } from '#schema/postgres.ts'
import { serveTinyModel, startServices } from './servingSystem.ts'
import { testSystem } from './testSystem.ts'

test('a worker and an API tell how they are on ports of their own, engine processes included; a killed worker is shown as lost', async () => {
  const world = await startWorld()
  onTestFinished(() => world.anvil.stop())
  const system = await testSystem(world)
  const input = await serveTinyModel(system)
  const [WORKER_PORT, API_METRICS_PORT] = [String(await freePort()), String(await freePort())]
  const [api, worker] = await startServices(system, ['api', 'worker'], { WORKER_PORT, API_METRICS_PORT })
  const get = async (port: string, path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text() }
  }
  const values = async (port: string, series: string[]) => {
    const lines = (await get(port, '/metrics')).text.split('\n')
    return series.map((one) => {
      const line = lines.find((line) => line.startsWith(`modelcommons_${one} `))
      return line === undefined ? undefined : Number(line.split(' ')[1])
    })
  }
  const value = async (port: string, series: string) => (await values(port, [series]))[0]
  for (const port of [WORKER_PORT, API_METRICS_PORT])
    for (const path of ['/live', '/ready']) expect((await get(port, path)).status).toBe(200)
  expect((await fetch(`${api?.url}/metrics`)).status).toBe(404)

  const { data } = await system.ask(
    'mutation ($input: InferInput!) { infer(input: $input, idempotencyKey: "seen") { id } }',
    { input },
  )
  await vi.waitFor(async () => expect((await findJob(system.db, data.infer.id)).status).toBe('Succeeded'), {
    timeout: 60_000,
    interval: 50,
  })
  const { tokensOut } = (await findJob(system.db, data.infer.id)).result as { tokensOut: number }
  await vi.waitFor(async () => expect(await value(WORKER_PORT, 'engine_tokens_total{lane="infer"}')).toBe(tokensOut), {
    timeout: 10_000,
  })
  expect(await value(WORKER_PORT, 'engine_models{lane="infer"}')).toBe(1)
  expect(await value(WORKER_PORT, 'engine_starts_total{lane="infer"}')).toBe(1)
  expect(await value(WORKER_PORT, 'engine_memory_bytes{lane="infer"}')).toBeGreaterThan(2 ** 20)
  expect(await value(WORKER_PORT, 'engine_wait_seconds_count{task="generate"}')).toBe(1)

  const repeated = { ...input, prompt: Array.from({ length: 8 }, (_, index) => `thing ${index} is red`).join(' ') }
  const prompts: { tokensIn: number; cachedTokens?: number }[] = []
  for (const key of ['once', 'again']) {
    const asked = await system.ask(
      'mutation ($input: InferInput!, $key: String!) { infer(input: $input, idempotencyKey: $key) { id } }',
      { input: repeated, key },
    )
    await vi.waitFor(async () => expect((await findJob(system.db, asked.data.infer.id)).status).toBe('Succeeded'), {
      timeout: 60_000,
      interval: 50,
    })
    prompts.push((await findJob(system.db, asked.data.infer.id)).result as (typeof prompts)[0])
  }
  const known = prompts[1]?.cachedTokens ?? 0
  expect(known).toBeGreaterThan(32)
  const { tokensIn } = (await findJob(system.db, data.infer.id)).result as { tokensIn: number }
  const read = prompts.reduce((sum, prompt) => sum + prompt.tokensIn, tokensIn) - known
  await vi.waitFor(
    async () => expect(await value(WORKER_PORT, 'engine_prompt_tokens_total{lane="infer"}')).toBe(read),
    { timeout: 10_000 },
  )
  expect(await value(WORKER_PORT, 'engine_cached_tokens_total{lane="infer"}')).toBe(known)
  // The model's own warm-up may be a fourth answer, and may share its run with the first call.
  const [runs = 0, answers = 0] = await values(WORKER_PORT, [
    'engine_batch_runs_total{lane="infer"}',
    'engine_batch_answers_total{lane="infer"}',
  ])
  expect(runs).toBeGreaterThanOrEqual(3)
  expect(answers).toBeGreaterThanOrEqual(runs)
  expect(answers).toBeLessThanOrEqual(4)
  for (const name of ['signer_balance_wei', 'signer_transactions_left'])
    expect((await get(WORKER_PORT, '/metrics')).text).toMatch(
      new RegExp(`^modelcommons_${name}\\{chain="31337",.*\\} \\d`, 'm'),
    )
  expect(await value(API_METRICS_PORT, 'workers{device="cpu"}')).toBe(1)
  expect(await value(API_METRICS_PORT, 'jobs{kind="infer",status="Succeeded"}')).toBe(3)

  const statuses = async () => {
    const answer = await system.ask('{ workerNodes { nodes { status } } }')
    return answer.data.workerNodes.nodes.map(({ status }: { status: string }) => status)
  }
  expect(await statuses()).toEqual(['Alive'])
  await worker?.stop()
  expect(await statuses()).toEqual(['Stopped'])
  await system.db.query(`update worker_node set stopped_at = null, heartbeat_at = now() - interval '1 minute'`)
  expect(await statuses()).toEqual(['Lost'])
  expect(await value(API_METRICS_PORT, 'workers_lost')).toBe(1)
})
