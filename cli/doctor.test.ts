import { spawn } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { serializeTransaction } from 'viem'
import { expect, onTestFinished, test, vi } from 'vitest'
import { rpc, startAnvil } from '#contracts/anvil.ts'
import { testChain } from '#indexer/test/chain.ts'
import type { Database } from '#schema/database.ts'
import { redisIsMissing, startRedis } from '#schema/test/redis.ts'
import { freshDatabase } from '#test/database.ts'
import { insertChain } from '#test/factory.ts'
import { runProgram } from '#test/testSystem.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { writeDeployment } from './deployment.ts'

/** The doctor's report on the chain; the contracts are deployed on one of the endpoints' chains. */
async function patient() {
  const chain = await testChain()
  const folder = await temporaryFolder()
  const file = join(folder, 'deployment.json')
  await writeDeployment(file, chain.deployment)
  const env = { MODELCOMMONS_HOME: folder, PORT: '0', DEPLOYMENT: file, OPERATOR_KEY: `0x${'11'.repeat(32)}` }
  const output = async (...urls: string[]) => {
    const { code, output } = await runProgram('doctor', { ...env, RPC_URL: urls.join(', ') })
    return { code, lines: output.split('\n').filter((line) => /^. (endpoint|chain) /.test(line)) }
  }
  return { file, output, http: chain.url, ws: chain.anvil.wsUrl, contract: chain.deployment.addresses.ModelRegistry }
}

async function another(chainId: number) {
  const anvil = await startAnvil({ chainId })
  onTestFinished(() => anvil.stop())
  return anvil
}

test('each endpoint is looked at, over HTTP and WebSocket, and no secret of its address is shown', async () => {
  const { file, output, http, ws } = await patient()
  const well = (url: string) => expect.stringMatching(`^✓ endpoint +${url} answers for chain 31337, block \\d+$`)
  expect(await output(http, ws, `${http}?key=secret`)).toEqual({
    code: 0,
    lines: [well(http), well(ws), well(http), expect.stringContaining(`31337, with the contracts of ${file}`)],
  })
})

test('each mirror of artifacts is asked; it need not have any', async () => {
  const server = createServer((_, response) => void response.writeHead(404).end())
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/artifacts`
  const report = async (mirrors: string) => {
    const env = { MODELCOMMONS_HOME: await temporaryFolder(), PORT: '0', ARTIFACT_MIRRORS: mirrors }
    return (await runProgram('doctor', env)).output
  }
  expect(await report(mirror)).toMatch(new RegExp(`^✓ mirrors +${mirror}: all answer$`, 'm'))
  expect(await report(`${mirror},http://me:secret@127.0.0.1:9/a`)).toMatch(
    /^✗ mirrors +ARTIFACT_MIRRORS: http:\/\/127\.0\.0\.1:9\/a does not answer/m,
  )
})

test('who does not answer is named, and so is each chain when there are several', async () => {
  const { output, http, ws } = await patient()
  const other = await another(10)
  const away = 'http://127.0.0.1:9'
  expect(await output(away, ws, other.url, other.wsUrl)).toEqual({
    code: 1,
    lines: [
      expect.stringMatching(`^✗ endpoint +RPC_URL: ${away} does not answer`),
      expect.stringMatching(`^✓ endpoint +${ws} answers for chain 31337`),
      expect.stringMatching(`^✓ endpoint +${other.url} answers for chain 10`),
      expect.stringMatching(`^✓ endpoint +${other.wsUrl} answers for chain 10`),
      expect.stringMatching(
        `^✗ chain +RPC_URL leads to different chains: 31337 \\(${ws}\\), 10 \\(${other.url}, ${other.wsUrl}\\)\\. DEPLOYMENT is for chain 31337: remove the others\\.$`,
      ),
    ],
  })
  const wrong = await output(other.wsUrl)
  expect(wrong.code).toBe(1)
  expect(wrong.lines[1]).toMatch(/^✗ chain +RPC_URL leads to chain 10; DEPLOYMENT is for chain 31337\.$/)
  const { code, lines } = await output(http, `${http}/secret`)
  expect(code).toBe(1)
  expect(lines[1]).toMatch(new RegExp(`^✗ endpoint +RPC_URL: ${http}/… answers HTTP 404 without JSON-RPC`))
  const none = await output(away, 'ws://127.0.0.1:9')
  expect(none.lines.map((line) => line[0])).toEqual(['✗', '✗', '✗'])
  expect(none.lines[1]).toContain('ws://127.0.0.1:9 does not answer')
})

test('an endpoint of a chain that has the same id but not the contracts is named', async () => {
  const { output, http, contract } = await patient()
  const { wsUrl } = await another(31_337)
  const { code, lines } = await output(http, wsUrl)
  expect(code).toBe(1)
  expect(lines[2]).toMatch(new RegExp(`^✗ chain +DEPLOYMENT: chain 31337 of ${wsUrl} has no contract at ${contract}`))
})

/** A node over HTTP that does to each request what `listener` does. */
async function brokenNode(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('an endpoint that limits requests is told as such, and not as one that does not answer', async () => {
  const { output } = await patient()
  const { code, lines } = await output(await brokenNode((_, response) => void response.writeHead(429).end()))
  expect(code).toBe(1)
  expect(lines[0]).toMatch(/^✗ endpoint +RPC_URL: .* limits requests.*HTTP 429/)
  expect(lines[1]).toMatch(/^✗ chain +RPC_URL: no endpoint tells its chain/)
  expect(lines.join()).not.toMatch(/no node answers|does not answer/)
})

test('endpoints that hang are asked by one check only', async () => {
  const { db, env } = await operated()
  const { file } = await patient()
  await db.query(
    `insert into chain_transaction (id, sender, nonce, hash, raw, status, created_at)
     values ('k', $1, 0, $2, '0x', 'Mined', now())`,
    [`0x${'12'.repeat(20)}`, `0x${'34'.repeat(32)}`],
  )
  let requests = 0
  const hanging = () => brokenNode(() => void requests++)
  const urls = [await hanging(), await hanging()]
  const { output } = await runProgram('doctor', { ...env, RPC_URL: urls.join(', '), DEPLOYMENT: file })
  expect(requests).toBe(4) // each is asked by one check, twice
  expect(output).toMatch(/^✗ lag +No endpoint of RPC_URL tells its head/m)
  expect(output).toMatch(/^✗ signer +No endpoint of RPC_URL answers/m)
})

/** What an operator is told of a system in this database. */
async function operated() {
  const db = await freshDatabase()
  await insertChain(db, 10)
  await db.query(
    `insert into worker_node (id, host, pid, device, concurrency, started_at, heartbeat_at)
     values ('w', 'gpu-1', 1, 'cuda', 1, now(), now() + interval '1 hour')`,
  )
  const env = { DATABASE_URL: db.url, MODELCOMMONS_HOME: await temporaryFolder(), PORT: '0' }
  return { db, env }
}
const waitingJob = (db: Database) =>
  db.query(
    `insert into job_run (id, kind, input, status, attempt, attempts, queue, progress, error, idempotency_key, cancel_requested, created_at)
     values ('j', 'fineTune', '{}', 'Waiting', 1, 5, 'training', 0, '{"code": "ARTIFACT_STORE", "message": "S3 is away"}', 'k', false, now() - interval '1 hour')`,
  )

test('a running system is in order; what is wrong is told with its alarm, whose limit is that of Prometheus', async () => {
  const { db, env } = await operated()
  const well = await runProgram('doctor', env)
  expect(well.output).toMatch(/^✓ database +PostgreSQL \d+/m)
  expect(well.output).toMatch(/^✓ schema +as this release needs it$/m)
  expect(well.output).toMatch(/^✓ workers +gpu-1 \(cuda, runs 0\)$/m)
  expect(well).toMatchObject({ code: 0, output: expect.stringMatching(/Everything is in order\.$/) })

  await waitingJob(db)
  await db.query(`update worker_node set heartbeat_at = now() - interval '1 minute'`)
  const ill = await runProgram('doctor', env)
  expect(ill.code).toBe(1)
  for (const line of [
    /^✗ JobsWait +Jobs have waited for ARTIFACT_STORE for 36\d\d(\.\d+)? s\. See docs\/for-operators\.md#jobswait\.$/m,
    /^✗ WorkerLost +1 workers ended without saying so\./m,
    /^✗ workers +No worker is alive: jobs wait\. Start `modelcommons worker`\./m,
    /^✓ jobs +1 Waiting for ARTIFACT_STORE$/m,
    /^3 to fix\./m,
  ])
    expect(ill.output).toMatch(line)
})

test('a database that refuses is told once, with what to correct; so is a setting that no worker can use', async () => {
  const { db, env } = await operated()
  const url = new URL(db.url)
  url.pathname = '/nowhere'
  const { code, output } = await runProgram('doctor', { ...env, DATABASE_URL: url.href, WORKER_KINDS: 'gpu:1' })
  expect(code).toBe(1)
  const failed = output.split('\n').filter((line) => line.startsWith('✗'))
  expect(failed).toEqual([
    expect.stringMatching(/^✗ slots +WORKER_KINDS: "gpu:1" is not of the form/),
    expect.stringMatching(
      /^✗ database +DATABASE_URL: PostgreSQL at .* refuses the connection \(database "nowhere" does not exist\)\. Create the database/,
    ),
  ])
})

test('every variable that cannot be used is told, and all that does not need it is checked', async () => {
  const { env } = await operated()
  const { code, output } = await runProgram('doctor', {
    ...env,
    PORT: 'abc',
    GPU_CONCURRENCY: '-1',
    S3_ENDPOINT: 'http://127.0.0.1:9',
    RPC_URL: 'http://127.0.0.1:9',
    CHAIN_PORT: '0',
    WORKER_KINDS: 'infer:1',
  })
  expect(code).toBe(1)
  const lines = output.split('\n')
  expect(lines.filter((line) => line.startsWith('✗'))).toEqual([
    expect.stringMatching(/^✗ variable +PORT: expected a port from 0 to 65535$/),
    expect.stringMatching(/^✗ variable +GPU_CONCURRENCY: expected a whole number from 1 to 64$/),
    expect.stringMatching(/^✗ variable +S3_BUCKET: required when S3_ENDPOINT is set\.$/),
    expect.stringMatching(/^✗ variable +DEPLOYMENT: required when RPC_URL is set: /),
  ])
  for (const name of ['node', 'home', 'queue', 'database', 'workers'])
    expect(output).toMatch(new RegExp(`^✓ ${name} `, 'm'))
  for (const name of ['port', 'slots', 'artifacts', 'chain']) expect(output).not.toMatch(new RegExp(`^. ${name} `, 'm'))
})

test('the lag is measured at the node: an indexer that sees no blocks does not hide it', async () => {
  const { db, env } = await operated()
  const chain = await testChain()
  const file = join(env.MODELCOMMONS_HOME, 'deployment.json')
  await writeDeployment(file, chain.deployment)
  await rpc(chain.url, 'anvil_mine', ['0x100'])
  const { output } = await runProgram('doctor', { ...env, RPC_URL: chain.url, DEPLOYMENT: file })
  expect(output).toMatch(/^✗ lag +The index is \d+ blocks behind the head \d+ of the chain\./m)
  expect(output).toMatch(/^✓ signer +nothing is signed yet$/m)
  await db.query('update cursor set block = 100000')
  await db.query(
    `insert into chain_transaction (id, sender, nonce, hash, raw, status, created_at)
     values ('k', $1, 0, $2, $3, 'Mined', now())`,
    [
      `0x${'12'.repeat(20)}`,
      `0x${'34'.repeat(32)}`,
      serializeTransaction({ type: 'eip1559', chainId: 1, gas: 100_000n }),
    ],
  )
  const caught = await runProgram('doctor', { ...env, RPC_URL: chain.url, DEPLOYMENT: file })
  expect(caught.output).toMatch(/^✓ lag +0 blocks behind the head$/m)
  expect(caught.output).toMatch(
    /^✗ signer +0x1212\w+ has 0 native tokens for gas, which pay for about 0 transactions.* See docs\/for-operators\.md#signerbalancelow\.$/m,
  )
})

test('it watches: a round that finds something else is told, as lines or as JSON, and ends with the last result', async () => {
  const { db, env } = await operated()
  const { PATH = '', HOME = '' } = process.env
  const watch = (...options: string[]) => {
    const child = spawn(
      process.execPath,
      ['bin/modelcommons.js', 'doctor', '--watch', '--interval', '0.2', ...options],
      {
        env: { PATH, HOME, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    onTestFinished(() => void child.kill('SIGKILL'))
    return { child, ended, output: () => output }
  }
  const [lines, json] = [watch(), watch('--json')]
  const within = { timeout: 30_000, interval: 100 }
  const lastRound = () => JSON.parse(json.output().trimEnd().split('\n').at(-1) ?? '')
  await vi.waitFor(() => expect(lines.output()).toContain('Everything is in order.'), within)
  await vi.waitFor(() => expect(json.output()).toContain('\n'), within)
  await waitingJob(db)
  await vi.waitFor(() => expect(lines.output()).toMatch(/^\d{4}-\d\d-\d\dT\S+ ✗ JobsWait /m), within)
  await vi.waitFor(() => expect(lastRound().ok).toBe(false), within)
  await db.query('delete from job_run')
  await vi.waitFor(() => expect(lines.output()).toMatch(/✓ JobsWait +in order\nEverything is in order\.\n$/), within)
  await vi.waitFor(() => expect(lastRound().ok).toBe(true), within)
  lines.child.kill('SIGTERM')
  expect(await lines.ended).toBe(0)
  await waitingJob(db)
  await vi.waitFor(() => expect(lastRound().ok).toBe(false), within)
  json.child.kill('SIGTERM')
  expect(await json.ended).toBe(1)
  for (const line of json.output().trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('checks')
})

const redisMissing = redisIsMissing()
if (!redisMissing)
  test('a Redis that drops keys when its memory is full is a fault', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const client = new Redis(redis.url)
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    client.disconnect()
    const env = { MODELCOMMONS_HOME: await temporaryFolder(), PORT: '0', REDIS_URL: redis.url }
    const { code, output } = await runProgram('doctor', env)
    expect(code).toBe(1)
    expect(output).toMatch(/^✗ queue +REDIS_URL: this Redis drops keys .*allkeys-lru.* noeviction\.$/m)
  })
