import { spawnSync } from 'node:child_process'
import { createPublicClient, encodeFunctionData, http, parseAbi } from 'viem'
import { expect, test } from 'vitest'
import { startAnvil } from '#contracts/anvil.ts'
import { redactCredentials } from '#schema/redact.ts'
import { MAX_SUMMARY, summariseError } from './summariseError.ts'

const sizeOf = (value: unknown) => JSON.stringify(value).length

/** The errors of viem for a revert, and for a node that does not answer, of a call with `bytes` of arguments. */
async function viemErrors(bytes: number) {
  const abi = parseAbi(['error Refused(bytes why)', 'function settle(bytes map)'])
  const data = `0x${'ab'.repeat(bytes)}` as const
  const address = `0x${'cd'.repeat(20)}` as const
  const failure = (transport: Parameters<typeof createPublicClient>[0]['transport']) =>
    createPublicClient({ transport })
      .simulateContract({ abi, address, functionName: 'settle', args: [data] })
      .then(
        () => expect.unreachable(),
        (error: Error) => error,
      )
  const anvil = await startAnvil()
  try {
    // A contract that reverts whatever it is asked: PUSH0 PUSH0 REVERT.
    await createPublicClient({ transport: http(anvil.url) }).request({
      method: 'anvil_setCode',
      params: [address, '0x5f5ffd'],
    } as never)
    return {
      calldata: encodeFunctionData({ abi, functionName: 'settle', args: [data] }),
      revert: await failure(http(anvil.url)),
      away: await failure(
        http('http://user:secret@127.0.0.1:9/v3/0123456789abcdef0123456789abcdef?key=hidden', { retryCount: 0 }),
      ),
    }
  } finally {
    await anvil.stop()
  }
}

test('viem’s errors with huge arguments become at most 2 kB, with class, short message and causes', async () => {
  const { revert, away, calldata } = await viemErrors(20_000)
  expect(sizeOf(revert.message) + sizeOf(away.message)).toBeGreaterThan(40_000) // why this matters
  const summary = summariseError(revert)
  expect(sizeOf(summary)).toBeLessThanOrEqual(MAX_SUMMARY)
  expect(summary).toMatchObject({
    type: 'ContractFunctionExecutionError',
    message: expect.stringMatching(/^The contract function "settle" reverted/),
  })
  expect(summary.causes?.map(({ type }) => type)).toContain('ContractFunctionRevertedError')
  expect(summary.stack?.length).toBeGreaterThan(0)
  const unreachable = summariseError(away)
  expect(sizeOf(unreachable)).toBeLessThanOrEqual(MAX_SUMMARY)
  const text = JSON.stringify([summary, unreachable])
  for (const unwanted of [
    calldata.slice(0, 200),
    'secret',
    'hidden',
    '0123456789abcdef0123456789abcdef',
    process.cwd(),
  ])
    expect(text).not.toContain(unwanted)
})

test('hostile errors cannot break the log: cycles, getters that throw, proxies, huge and escaped texts', () => {
  const cyclic = new Error('a')
  cyclic.cause = new Error('b', { cause: cyclic })
  expect(summariseError(cyclic)).toMatchObject({ message: 'a', causes: [{ message: 'b' }] })
  const throwing = (property: string) =>
    Object.defineProperty(new Error('x'), property, {
      get() {
        throw new Error(`${property} cannot be read`)
      },
    })
  const proxy = new Proxy(new Error('p'), {
    get() {
      throw new Error('nothing can be read')
    },
  })
  const hostile: unknown[] = [
    ...['message', 'name', 'stack', 'cause', 'code', 'shortMessage'].map(throwing),
    proxy,
    null,
    undefined,
    Symbol('s'),
    1n,
    Object.create(null),
    { message: { toString: null } },
    Object.assign(new Error('\u0000'.repeat(100_000)), { name: '\u0000'.repeat(500), code: '\u0000'.repeat(500) }),
    new AggregateError(
      Array.from({ length: 9 }, () => new Error('"\\'.repeat(9_000))),
      'many',
    ),
  ]
  for (const error of hostile) {
    const summary = summariseError(error)
    expect(sizeOf(summary)).toBeLessThanOrEqual(MAX_SUMMARY)
    expect(typeof summary.message).toBe('string')
  }
})

test('a URL keeps what tells where it leads, and loses what must stay secret', () => {
  const shown = {
    'postgresql://u:p@ss/w#rd@db:5432/main': 'postgresql://u:…@db:5432/main',
    'at http://h:1/v2/a1b2c3d4e5f6g7h8i9j0k1l2/x?apikey=1#z, twice': 'at http://h:1/v2/…/x?… twice',
    'redis://:pw@host:6379': 'redis://:…@host:6379',
    'GET http://127.0.0.1:9000/modelcommons/artifacts failed':
      'GET http://127.0.0.1:9000/modelcommons/artifacts failed',
    'someone@example.org: no URL': 'someone@example.org: no URL',
  }
  for (const [text, expected] of Object.entries(shown)) expect(redactCredentials(text)).toBe(expected)
})

test('the log writes errors so, under any key and without a text, and bounds texts', () => {
  const script = `
    import { openLog } from '#cli/log.ts'
    const log = openLog('worker', { logLevel: 'info' })
    const error = new Error('x'.repeat(50_000), { cause: new Error('why') })
    error.request = { body: 'y'.repeat(50_000) }
    log.error({ err: error }, 'failed')
    log.child({ job: '1' }).warn({ cause: error, text: 'z'.repeat(50_000) }, 'failed')
    log.error({ err: error })
    log.error(error)
    log.warn(error, 'failed')
    log.info('plain %s', 'text')`
  const { stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines).toHaveLength(6)
  for (const line of stderr.split('\n')) expect(line.length).toBeLessThan(5_000)
  expect(lines[0]).toMatchObject({
    service: 'worker',
    msg: 'failed',
    err: { type: 'Error', causes: [{ message: 'why' }] },
  })
  expect(lines[1]).toMatchObject({ job: '1', cause: { type: 'Error' } })
  for (const index of [2, 3]) expect(lines[index].msg.length).toBeLessThan(600)
  expect(lines[4]).toMatchObject({ msg: 'failed', err: { type: 'Error' } })
  expect(lines[5].msg).toBe('plain text')
})
