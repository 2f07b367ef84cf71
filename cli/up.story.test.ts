import { existsSync, readFileSync, statSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { rpc, stopStaleAnvil } from '#contracts/anvil.ts'
import { dumpFileOf } from '#contracts/chainState.ts'
import { testChain } from '#indexer/test/chain.ts'
import { freePort } from '#schema/postgres.ts'
import { freshDatabaseUrl } from '#test/database.ts'
import { runProgram } from '#test/testSystem.ts'
import { embeddedChainFiles } from './configuredChain.ts'
import { writeDeployment } from './deployment.ts'
import { emptyHome, lives, pidIn, silentPort, start } from './test/upProcess.ts'

/** `modelcommons up` as a real process: beside other commands, kills and broken services. */

test('the embedded servers have fixed ports; one that is taken is told with its variable before anything starts', async () => {
  const home = await emptyHome()
  const [port, chain, database] = [await freePort(), await freePort(), await freePort()].map(String)
  const taken = String(await silentPort())
  const env = { MODELCOMMONS_HOME: home, PORT: port ?? '', CHAIN_PORT: chain ?? '', DATABASE_PORT: database ?? '' }
  for (const name of ['CHAIN_PORT', 'DATABASE_PORT']) {
    const { code, output } = await runProgram('up', { ...env, [name]: taken })
    expect(code).toBe(1)
    expect(output).toContain(`${name}: another program already listens on 127.0.0.1:${taken}. Stop it`)
    expect(output).toContain(`set ${name} to another port (0 takes a free one)`)
    expect(existsSync(join(home, 'postgres'))).toBe(false)
  }
  expect((await runProgram('up', { ...env, CHAIN_PORT: port ?? '' })).output).toMatch(
    new RegExp(`^PORT, CHAIN_PORT: both are ${port}\\.`),
  )
  const begin = async () => {
    const child = start(env, ['up', '--no-example'])
    let said = ''
    child.stdout?.on('data', (text) => (said += text))
    await vi.waitFor(() => expect(said).toContain('Ready after'), { timeout: 60_000 })
    expect(said).toContain(`Chain     http://127.0.0.1:${chain}\n`)
    expect(said).toMatch(new RegExp(`^Database .*@127\\.0\\.0\\.1:${database}/`, 'm'))
    return child
  }
  const killed = await begin()
  killed.kill('SIGKILL') // its servers go on: the next start has the same ports in spite of them
  await new Promise((resolve) => killed.once('exit', resolve))
  const child = await begin()
  const { output } = await runProgram('up', { ...env, MODELCOMMONS_HOME: await emptyHome(), PORT: '0' })
  expect(output).toMatch(/^DATABASE_PORT: another program already listens .* MODELCOMMONS_HOME/)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test('a newcomer gets test money, time passes without transactions, and the doctor looks at the running system', async () => {
  const home = await emptyHome()
  const child = start({ MODELCOMMONS_HOME: home, WORKER_PORT: '0' }, ['up', '--no-example'])
  let said = ''
  child.stdout?.on('data', (text) => (said += text))
  const env = { MODELCOMMONS_HOME: home, MODELCOMMONS_PASSPHRASE: 'an owl in the attic', PORT: '0' }
  const run = (...args: [string, ...string[]]) => runProgram(args[0], env, args.slice(1))
  expect((await run('account', 'new', '--funded')).output).toMatch(/^MODELCOMMONS_HOME: no embedded chain runs for /)
  expect((await run('account', 'list')).output).toMatch(/^There are no accounts/)
  expect((await run('doctor')).output).toMatch(/^✓ system +(none runs in|process \d+ starts)/m)
  await vi.waitFor(() => expect(said).toContain('Ready after'), { timeout: 60_000 })
  const [address = '', line] = (await run('account', 'new', '--funded')).output.split('\n')
  expect(line).toBe(`${address} has 10000 tokens for gas and 10000 gOPEN on the embedded chain.`)
  expect(JSON.parse((await run('account', 'fund', '--json')).output)).toEqual({
    ...{ address, native: '10000', gOpen: '10000' },
  })
  const other = `0x${'ab'.repeat(20)}`
  expect((await run('account', 'fund', other)).output).toMatch(/^0xabab\w+ has 10000 tokens/)
  const elsewhere = { ...env, RPC_URL: 'http://127.0.0.1:9' }
  expect((await runProgram('account', elsewhere, ['fund'])).output).toMatch(/^RPC_URL: only the embedded chain gives/)

  const url = readFileSync(embeddedChainFiles(home).urlFile, 'utf8').trim()
  const head = async () => Number(await rpc(url, 'eth_blockNumber'))
  const before = await head()
  await vi.waitFor(async () => expect(await head()).toBeGreaterThan(before), { timeout: 20_000, interval: 200 })

  const { output } = await run('doctor')
  expect(output).toMatch(new RegExp(`^✓ system +process ${child.pid} at http://127\\.0\\.0\\.1:\\d+, release `, 'm'))
  for (const name of ['api', 'worker', 'head', 'lag', 'workers', 'database'])
    expect(output).toMatch(new RegExp(`^✓ ${name} `, 'm'))
  const { output: with_ } = await runProgram('doctor', { ...env, REDIS_URL: 'redis://127.0.0.1:9' })
  expect(with_).toMatch(
    /^✗ system +REDIS_URL: set here, and the running system \(process \d+\) was started without it\./m,
  )
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect((await run('doctor')).output).toMatch(/^✓ system +none runs in .*: `modelcommons up` starts one$/m)
})

test('a configured service that is dead, silent or wrong ends the start with one message that names its variable', async () => {
  const home = await emptyHome()
  const { url, deployment } = await testChain()
  const [file, foreign] = [join(home, 'deployment.json'), join(home, 'foreign.json')]
  await writeDeployment(file, deployment)
  await writeDeployment(foreign, { ...deployment, chainId: 5 })
  const broken = join(home, 'broken.json')
  await writeFile(broken, '{"chainId": "x"}')
  const [dead, silent] = [await freePort(), await silentPort()]
  const database = { DATABASE_URL: await freshDatabaseUrl() }
  const chain = { RPC_URL: url, DEPLOYMENT: file, OPERATOR_KEY: `0x${'11'.repeat(32)}` }
  const s3 = { S3_BUCKET: 'artifacts', S3_ACCESS_KEY_ID: 'a', S3_SECRET_ACCESS_KEY: 'b' }
  const cases: [Record<string, string>, RegExp][] = [
    [{ REDIS_URL: `redis://me:hunter2@127.0.0.1:${dead}` }, /^REDIS_URL: no Redis answers .* unset REDIS_URL/],
    [{ REDIS_URL: `redis://127.0.0.1:${silent}` }, /^REDIS_URL: /],
    [{ ...s3, S3_ENDPOINT: `http://127.0.0.1:${dead}` }, /^S3_ENDPOINT.* does not answer/],
    [{ ...s3, S3_ENDPOINT: `http://127.0.0.1:${silent}` }, /^S3_ENDPOINT/],
    [{ ...chain, RPC_URL: `http://127.0.0.1:${dead}/secret` }, /^RPC_URL: .* does not answer .* correct RPC_URL/],
    [{ ...chain, RPC_URL: `http://127.0.0.1:${silent}` }, /^RPC_URL: /],
    [{ ...chain, DEPLOYMENT: foreign }, /^RPC_URL leads to chain 31337, but DEPLOYMENT is for chain 5/],
    [{ ...chain, DEPLOYMENT: home }, /^DEPLOYMENT: .* is a folder, not a file\. Docker creates/],
    [{ ...chain, DEPLOYMENT: broken }, /^DEPLOYMENT: .* is not a deployment file \(chainId: /],
  ]
  const run = async ([env, expected]: (typeof cases)[number]) => ({
    expected,
    ...(await runProgram('up', { ...database, MODELCOMMONS_HOME: join(home, 'home'), PORT: '0', ...env })),
  })
  const ended = []
  for (const each of cases) ended.push(await run(each))
  for (const { code, output, expected } of ended) {
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(expected) })
    expect(output).not.toMatch(/hunter2|secret|Warning|"code":|Request body|\n\s+at /)
    expect(output.split('\n').length).toBeLessThanOrEqual(3)
  }
})

test('while it runs, other commands find its database, its chain and its contracts without variables', async () => {
  const home = await emptyHome()
  const ports = { API_METRICS_PORT: '0', INDEX_PORT: '0', WORKER_PORT: '0' }
  const child = start({ MODELCOMMONS_HOME: home, ...ports }, ['up', '--no-example'])
  let said = ''
  child.stdout?.on('data', (text) => (said += text))
  await vi.waitFor(() => expect(existsSync(join(home, 'chain/url'))).toBe(true), { timeout: 50_000 })
  const env = { MODELCOMMONS_HOME: home }
  await vi.waitFor(
    async () => {
      const { output } = await runProgram('verify', env, ['index', '--clean'])
      expect(output).toMatch(/^The indexes are the same up to block \d+: state root 0x/)
    },
    { timeout: 50_000, interval: 500 },
  )
  const { output: examined } = await runProgram('doctor', { ...env, PORT: '0' })
  for (const name of ['endpoint', 'lag', 'schema', 'workers']) expect(examined).toMatch(new RegExp(`^✓ ${name} `, 'm'))
  expect(said).toMatch(/^Health {4}http:\/\/127\.0\.0\.1:\d+\/readyz$/m)
  for (const service of ['index', 'api', 'worker']) {
    const [, url = ''] = new RegExp(`^Operator  (\\S+)/metrics, \\S+/ready  \\(${service}\\)$`, 'm').exec(said) ?? []
    expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ ready: true })
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('modelcommons_process_cpu')
  }
  expect(await runProgram('verify', env, ['1'])).toEqual({
    code: 1,
    output: expect.stringMatching(/^Epoch 1 has no published reward map on this chain\./),
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(await runProgram('verify', env, ['1'])).toEqual({
    code: 1,
    output: `RPC_URL: no chain is configured, and none runs for ${home}. Start \`modelcommons up\` first, or set RPC_URL and DEPLOYMENT.`,
  })
})

test('a home into which a restore did not end is refused, until the restore is repeated', async () => {
  const [home, target] = [await emptyHome(), await emptyHome()]
  const child = start({ MODELCOMMONS_HOME: home }, ['up', '--no-example'])
  await vi.waitFor(() => expect(existsSync(embeddedChainFiles(home).stateFile)).toBe(true), { timeout: 50_000 })
  const backup = join(home, 'backup')
  await vi.waitFor(
    async () =>
      expect(await runProgram('backup', { MODELCOMMONS_HOME: home }, ['--out', backup])).toMatchObject({ code: 0 }),
    { timeout: 50_000, interval: 500 },
  )
  child.kill('SIGKILL')
  const env = { MODELCOMMONS_HOME: target, PORT: '0' }
  await writeFile(join(target, 'chain'), 'in the way of the chain')
  expect((await runProgram('restore', env, [backup])).code).toBe(1)
  expect(await runProgram('up', env)).toEqual({
    code: 1,
    output: `MODELCOMMONS_HOME: a restore into ${target} did not end. Run \`modelcommons restore ${backup} --force\`, or set MODELCOMMONS_HOME to another folder.`,
  })
  await rm(join(target, 'chain'))
  expect(await runProgram('restore', env, [backup, '--force'])).toMatchObject({ code: 0 })
  const restored = start(env, ['up', '--no-example'])
  await vi.waitFor(() => expect(existsSync(join(target, 'chain/url'))).toBe(true), { timeout: 50_000 })
  const ended = new Promise((resolve) => restored.once('exit', resolve))
  restored.kill('SIGTERM')
  await ended
  await stopStaleAnvil(embeddedChainFiles(home).pidFile)
  const server = pidIn(join(home, 'postgres/data/postmaster.pid'))
  process.kill(server, 'SIGINT')
  await vi.waitFor(() => expect(lives(server)).toBe(false), { timeout: 20_000 })
})

test('an embedded chain that is killed comes back at its address, and the index goes back with it over final blocks', async () => {
  const home = await emptyHome()
  const port = String(await freePort())
  const child = start({ MODELCOMMONS_HOME: home, PORT: port, CHAIN_PORT: '0', DATABASE_PORT: '0' }, [
    'up',
    '--no-example',
  ])
  const within = { timeout: 60_000, interval: 100 }
  const indexed = async () => {
    const report = await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()
    return report as { status: string; block: number; headBlock: number }
  }
  await vi.waitFor(async () => expect((await indexed()).status).toBe('ok'), within)
  const { urlFile, stateFile, pidFile } = embeddedChainFiles(home)
  const dumpFile = dumpFileOf(stateFile)
  await vi.waitFor(() => expect(existsSync(dumpFile)).toBe(true), within)
  const url = readFileSync(urlFile, 'utf8').trim()
  const head = async () => Number(await rpc(url, 'eth_blockNumber'))
  const written = () => statSync(dumpFile).mtimeMs
  // The blocks must be indexed before anvil writes its state the next time.
  let mined: number
  let before: number
  do {
    before = written()
    await vi.waitFor(() => expect(written()).toBeGreaterThan(before), { ...within, interval: 20 })
    before = written()
    await rpc(url, 'anvil_mine', ['0x8'])
    mined = await head()
    await vi.waitFor(async () => expect((await indexed()).block).toBe(mined), within)
  } while (written() !== before)
  process.kill(pidIn(pidFile), 'SIGKILL')
  await vi.waitFor(async () => expect(await head()).toBeLessThan(mined), within)
  await vi.waitFor(async () => {
    const { block, headBlock, status } = await indexed()
    expect({ block, headBlock, status }).toEqual({ block: await head(), headBlock: await head(), status: 'ok' })
  }, within)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(existsSync(pidFile)).toBe(false)
})
