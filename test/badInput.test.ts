import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { type Batch, commitmentOf, contentsOf, signBatch, submitArguments } from '#contracts/test/batch.ts'
import { propose } from '#contracts/test/mandate.ts'
import { ALICE, BOB, ETHER, hashOf, PROPOSER, STRANGER, startWorld, type World } from '#contracts/test/world.ts'
import {
  callInput,
  idOfChannel,
  MAXIMUM,
  me,
  openChannel,
  REQUEST_ANSWER,
  SUBMIT,
  stranger,
  submission,
  submit,
} from '#graphql/test/market.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { documentBytes } from '#schema/documents.ts'
import { enqueue } from '#schema/enqueue.ts'
import { Model } from '#schema/onchain/models.ts'
import { freePort } from '#schema/postgres.ts'
import { must } from '#test/must.ts'
import { freshDatabaseUrl } from './database.ts'
import { insert } from './factory.ts'
import { databaseUrl } from './postgres.setup.ts'
import {
  bytes,
  expectClearMessage,
  expectRefused,
  MISSING_ARTIFACT,
  runProgram,
  startFullWorker,
  systemState,
  testSystem,
  waitForFailure,
} from './testSystem.ts'

/** Bad input is refused with a message that says what to do, and changes nothing. The parts are real: PostgreSQL, the API, a worker with all
 *  handlers, a chain with the contracts, and the program itself. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

const FINE_TUNE =
  'mutation ($input: FineTuneInput!, $key: String!) { fineTune(input: $input, idempotencyKey: $key) { id status } }'

describe('an unknown model', () => {
  test('is refused by the API; once the model exists, the same key starts the job', async () => {
    const system = await testSystem(world)
    const variables = { input: { modelId: '9', datanetId: '1' }, key: 'k' }
    const { code, message } = await expectRefused(system, FINE_TUNE, variables)
    expect(code).toBe('UNKNOWN_MODEL')
    expect(message).toMatch(/modelId: there is no Model 9\. Query `models`/)
    await insert(system.db, Model, { id: '9' })
    expect((await system.ask(FINE_TUNE, variables)).data.fineTune.status).toBe('Queued')
  })

  test('fails the job at its first attempt: a reorganisation may have removed the model after the request', async () => {
    const system = await testSystem(world)
    const queues = await startFullWorker(system)
    const block = await world.client.getBlockNumber()
    const asked = { key: 'k', requestedBy: null }
    const { id } = await enqueue({ db: system.db, queues }, 'fineTune', { modelId: '9', datanetId: '1' }, asked)
    const job = await waitForFailure(system, id)
    expect(job).toMatchObject({ attempt: 1, result: null, error: { code: 'UNKNOWN_MODEL' } })
    expect(must(job.error).message).toContain('no model 9. Query `models`')
    expect(await world.client.getBlockNumber()).toBe(block)
    expect(existsSync(join(system.folder, 'checkpoints', id))).toBe(false)
  })
})

describe('invalid JSON', () => {
  const UPLOAD =
    'mutation ($content: String!) { uploadArtifact(content: $content, kind: "sample", idempotencyKey: "k") { id kind } }'

  test('a sample is refused and neither listed nor stored; the corrected sample is stored', async () => {
    const system = await testSystem(world)
    for (const content of ['{"prompt": "When?", "completion": ', 'When? Tomorrow.', '"When?"', 'null', '']) {
      const { code, message } = await expectRefused(system, UPLOAD, { content })
      expect(code).toBe(content ? 'NOT_JSON' : 'ARTIFACT_TOO_LARGE')
      if (content) expect(message).toMatch(/A sample must be (JSON|a JSON object)/)
    }
    const { data } = await system.ask(UPLOAD, { content: '{"prompt": "When?", "completion": "Tomorrow."}' })
    expect(await system.artifacts.has(data.uploadArtifact.id)).toBe(true)
  })

  test('a request is refused before it is processed', async () => {
    const system = await testSystem(world)
    const before = await systemState(system)
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${system.url}/graphql`, { method: 'POST', headers, body: '{"query": "mutation {' })
    expect(response.status).toBe(400)
    const { errors } = (await response.json()) as { errors: { message: string; extensions: object }[] }
    expect(errors).toEqual([
      { message: 'The body is not JSON. Send {"query": "…", "variables": {…}}.', extensions: { code: 'BAD_REQUEST' } },
    ])
    expect(await systemState(system)).toEqual(before)
  })

  test('a document that the chain names fails the job at once, and the message names the document', async () => {
    const system = await testSystem(world)
    await startFullWorker(system)
    const { data } = await system.ask(FINE_TUNE, { input: { modelId: '2', datanetId: '2' }, key: 'k' })
    const job = await waitForFailure(system, data.fineTune.id)
    const { rows } = await system.db.query(`select spec_hash as name from model where id = '2'`)
    expect(job).toMatchObject({ attempt: 1, error: { code: 'ARTIFACT_CORRUPT' } })
    expect(must(job.error).message).toContain(`Artifact ${rows[0].name} is not JSON. Publish the document again`)
  })
})

describe('a forged or replayed signature', () => {
  test('of a voucher is refused by the API with the reason; the valid voucher is still accepted', async () => {
    const system = await testSystem(world)
    const channel = await openChannel(system, 1000n)
    const reason = async (variables: object) => expectRefused(system, SUBMIT, variables)
    const good = await submission()
    expect(await reason(await submission({ signer: stranger }))).toEqual({
      code: 'WRONG_SIGNER',
      message: expect.stringMatching(
        `is not that of ${me}, the key of channel ${channel}, for this voucher. Sign exactly`,
      ),
    })
    expect((await reason({ ...good, ceiling: '101' })).code).toBe('WRONG_SIGNER')
    const second = await openChannel(system, 1000n, { salt: 1 })
    expect((await reason({ ...good, channelId: second })).code).toBe('WRONG_SIGNER')
    expect((await reason({ ...good, channelId: idOfChannel({ salt: 2 }) })).code).toBe('UNKNOWN_CHANNEL')
    expect((await reason({ ...good, signature: good.signature.slice(0, 130) })).code).toBe('BAD_SIGNATURE')
    expect(await reason(await submission({ chainId: 1 }))).toEqual({
      code: 'WRONG_CHAIN',
      message: expect.stringMatching(/signed for chain 1; this is chain 31337/),
    })
    expect((await system.ask(SUBMIT, good)).errors).toBeUndefined()
    expect((await submit(system, { ceiling: 250n })).errors).toBeUndefined()
    const { code, message } = await reason(good) // a replay would lower the granted amount
    expect(code).toBe('VOUCHER_SUPERSEDED')
    expect(message).toContain('250 wei of channel')
  })

  test('of a batch of samples is refused by the contract, which accepts neither samples nor stake', async () => {
    const { modelId } = await propose(world)
    const stakeEach = ETHER / 100n
    await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', stakeEach, 0])
    const batch = (name: string): Batch => ({
      datanetId: 1n,
      contributor: ALICE.address,
      contents: contentsOf(name, 3),
      stakeEach,
      salt: hashOf(name),
      deadline: 2n ** 40n,
    })
    const [first, second] = [batch('first'), batch('second')]
    for (const one of [first, second])
      await world.send(STRANGER, 'DatanetRegistry', 'commit', [commitmentOf(one), ALICE.address])
    const holdings = async () => ({
      contributions: await world.read('DatanetRegistry', 'contributionCount', []),
      alice: await world.balance(ALICE.address),
      registry: await world.balance(world.at.DatanetRegistry),
    })
    const refuse = async (of: Batch, signature: Hex, error: string) => {
      const before = await holdings()
      const sent = world.send(STRANGER, 'DatanetRegistry', 'submit', submitArguments(of, signature))
      await expect(sent).rejects.toThrow(`DatanetRegistry.${error}`)
      expect(await holdings()).toEqual(before)
    }
    await refuse(first, await signBatch(world, BOB, first, 0n), 'BadSignature')
    await refuse(first, await signBatch(world, ALICE, first, 0n, { chainId: 1 }), 'BadSignature')
    const signature = await signBatch(world, ALICE, first, 0n)
    await world.send(STRANGER, 'DatanetRegistry', 'submit', submitArguments(first, signature))
    await refuse(first, signature, 'NotCommitted') // the same batch again
    await refuse(second, signature, 'BadSignature') // the same signature for other samples
    await refuse(second, await signBatch(world, ALICE, second, 0n), 'BadSignature') // a used nonce
    const { contributions, alice, registry } = await holdings()
    expect({ contributions, alice, registry }).toEqual({
      contributions: 3n,
      alice: 1_000n * ETHER - 3n * stakeEach,
      registry: 3n * stakeEach,
    })
  })
})

test('a mutation whose query is too deep, or too many mutations in one request, start nothing; the same key works with a smaller query', async () => {
  const system = await testSystem(world)
  const input = { modelId: '1', datanetId: '1' }
  const nested = (levels: number): string => (levels ? `parent { ${nested(levels - 1)} }` : 'id')
  const mutation = (inner: string) =>
    `mutation ($input: FineTuneInput!, $key: String!) { fineTune(input: $input, idempotencyKey: $key) { ${inner} } }`
  const deep = await expectRefused(system, mutation(nested(30)), { input, key: 'k' })
  expect(deep).toEqual({
    code: 'TOO_COMPLEX',
    message: 'The query is 32 levels deep, more than 18. Request the lower levels in a separate query.',
  })
  const many = Array.from({ length: 51 }, (_, i) => `a${i}: fineTune(input: $input, idempotencyKey: "k${i}") { id }`)
  const wide = await expectRefused(system, `mutation ($input: FineTuneInput!) { ${many.join(' ')} }`, { input })
  expect(wide).toEqual({ code: 'TOO_COMPLEX', message: expect.stringContaining('51 aliases, more than 50') })
  const accepted = await system.ask(mutation(nested(3)), { input, key: 'k' })
  expect(accepted.errors).toBeUndefined()
})

describe('a missing adapter', () => {
  test('fails the call at once, names version and artifact, and releases the whole hold', async () => {
    const system = await testSystem(world)
    const { db } = system
    await startFullWorker(system)
    await openChannel(system, MAXIMUM) // enough for one call at a time
    await submit(system, { ceiling: MAXIMUM })
    const before = await systemState(system)
    const call = async (key: string) => {
      const { data, errors } = await system.ask(REQUEST_ANSWER, { input: callInput(), key })
      expect(errors).toBeUndefined()
      return waitForFailure(system, data.infer.id)
    }
    const job = await call('a')
    expect(job).toMatchObject({ attempt: 1, result: null, error: { code: 'ADAPTER_MISSING' } })
    expectClearMessage(must(job.error).message)
    expect(must(job.error).message).toMatch(`The adapter of version 1 (${MISSING_ARTIFACT}) cannot be loaded.`)
    expect(must(job.error).message).toContain('S3_ENDPOINT')
    expect(must(job.error).message).not.toContain(system.folder) // clients must not learn where the store is
    const shown = await system.ask(`{ job(id: "${job.id}") { status error result } }`)
    expect(shown.data.job).toEqual({ status: 'Failed', error: job.error, result: null })

    // The same key gives the same failed call; another key may use the same credit again.
    expect((await call('a')).id).toBe(job.id)
    const other = await call('b')
    expect(other.id).not.toBe(job.id)
    const holds = await db.query('select id, open, fee from credit_hold')
    expect(holds.rows).toEqual([job.id, other.id].map((id) => ({ id, open: false, fee: 0n })))

    // Only the calls and their holds were created: no receipt, artifact, file, use of the voucher or transaction.
    await db.query('delete from credit_hold')
    await db.query('delete from job_run')
    expect(await systemState(system)).toEqual(before)
    expect(await readdir(join(system.folder, 'checkpoints')).catch(() => [])).toEqual([])
  })

  test('of which only one file is missing is named with that file, and no incomplete folder is left', async () => {
    const system = await testSystem(world)
    const lost = hashOf('a file of it')
    const whole = await system.artifacts.put(bytes('{"r": 8}'))
    const adapterHash = await system.artifacts.put(documentBytes({ files: { 'a.json': whole, 'b.safetensors': lost } }))
    await system.db.query('update model_version set adapter_hash = $1', [adapterHash])
    await startFullWorker(system)
    const query = 'mutation { evaluate(input: { versionId: "1" }, idempotencyKey: "k") { id } }'
    const { data } = await system.ask(query)
    const job = await waitForFailure(system, data.evaluate.id)
    expect(job).toMatchObject({ attempt: 1, error: { code: 'ADAPTER_MISSING' } })
    expect(must(job.error).message).toContain(
      `(${adapterHash}) cannot be loaded. Artifact ${lost} is in no store that this worker reads`,
    )
    const laid = await readdir(join(system.folder, 'cache', 'folders'))
    expect(laid.filter((name) => name.includes(adapterHash) || name.endsWith('.part'))).toEqual([])
  })
})

/** Runs a command that must fail with code 1 and one line of output. @returns this line. */
async function refusal(command: string, env: Record<string, string>): Promise<string> {
  const { code, output } = await runProgram(command, env)
  expect({ code, lines: output.split('\n').length, output }).toEqual({ code: 1, lines: 1, output })
  expectClearMessage(output)
  return output
}

async function emptyHome() {
  const parent = await mkdtemp(join(tmpdir(), 'modelcommons-refused-'))
  onTestFinished(() => rm(parent, { recursive: true, force: true }))
  return join(parent, 'home')
}

describe('the program', () => {
  test('ends with one line when its port is in use, before it opens, starts or writes anything', async () => {
    const taken = createServer((_, response) => void response.end('mine'))
    await new Promise<void>((resolve) => void taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const [url, home] = [await freshDatabaseUrl(), await emptyHome()]
    const db: Database = await openDatabase(url)
    onTestFinished(() => db.close())
    const before = await systemState({ db, world })
    const env = { PORT: String(port), MODELCOMMONS_HOME: home, DATABASE_URL: url }
    const chainEnv = { RPC_URL: world.anvil.url, DEPLOYMENT: 'none.json', OPERATOR_KEY: `0x${'11'.repeat(32)}` }
    const output = await Promise.all([
      refusal('up', { ...env, DATABASE_URL: '' }),
      refusal('api', { ...env, ...chainEnv }),
    ])
    for (const line of output) {
      expect(line).toContain(`PORT: another program already listens on 127.0.0.1:${port}.`)
      expect(line).toContain('set PORT to another port')
    }
    expect(existsSync(home)).toBe(false) // no database, no chain
    expect(await systemState({ db, world })).toEqual(before)
    const { rows } = await db.query(`select 1 from pg_namespace where nspname = 'bullmq'`)
    expect(rows).toEqual([])
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('mine')
  })

  test('ends with one line that names DATABASE_URL, never the password, when nothing answers there or refuses', async () => {
    const home = await emptyHome()
    const server = new URL(inject('postgresUrl'))
    const closed = `postgres://me:hunter2@127.0.0.1:${await freePort()}/x`
    const locked = new URL(server)
    locked.password = 'hunter2'
    const cases: [string, string, RegExp][] = [
      ['migrate', closed, /no PostgreSQL answers at postgres:\/\/me:…@127\.0\.0\.1:\d+\/x \(.*ECONNREFUSED/],
      ['migrate', locked.href, /password authentication failed.*Correct the user and the password/],
      ['migrate', databaseUrl(server.href, 'no_such'), /database "no_such" does not exist/],
      ['migrate', 'mysql://me:hunter2@localhost/x', /expected a URL that starts with postgres:\/\//],
      ['up', closed, /no PostgreSQL answers/],
    ]
    await Promise.all(
      cases.map(async ([command, url, what]) => {
        const { code, output } = await runProgram(command, { DATABASE_URL: url, MODELCOMMONS_HOME: home, PORT: '0' })
        expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(what) })
        expect(output).toContain('DATABASE_URL')
        expect(output).not.toMatch(/hunter2|^\s+at /m)
        expect(output).not.toContain(server.password)
      }),
    )
    // What `up` had started is removed again: no database, no chain, no lock on the home folder.
    expect(existsSync(home) ? await readdir(home) : []).toEqual([])
  })
})
