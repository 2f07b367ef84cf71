import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { runProgram } from '#test/testSystem.ts'
import { emptyHome, lives, pidIn, silentPort, start } from './test/upProcess.ts'

/** `modelcommons up` as a real process: what it starts, it stops; what cannot work ends it. */

test.for([
  ['SIGINT', 'postgres/data/postmaster.pid'],
  ['SIGTERM', 'chain/anvil.pid'],
  ['SIGHUP', 'chain/deployment.json'],
] as const)('%s before the ready line, once %s exists, stops every server that was started', async ([signal, file]) => {
  const home = await emptyHome()
  const child = start({ MODELCOMMONS_HOME: home })
  const pids = new Set<number>()
  const note = () => {
    for (const each of ['postgres/data/postmaster.pid', 'chain/anvil.pid'])
      try {
        pids.add(pidIn(join(home, each)))
      } catch {
        // It does not exist yet, or no longer.
      }
  }
  await vi.waitFor(() => expect(existsSync(join(home, file))).toBe(true), { timeout: 50_000, interval: 5 })
  note()
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  const watch = setInterval(note, 5)
  expect(await ended).toBe(130)
  clearInterval(watch)
  expect([...pids].filter((pid) => pid && lives(pid))).toEqual([])
  expect(existsSync(join(home, 'running.pid'))).toBe(false)
  expect(existsSync(join(home, 'postgres/data/postmaster.pid'))).toBe(false)
  expect(existsSync(join(home, 'chain/anvil.pid'))).toBe(false)
})

test('what the environment cannot mean is told in one line before anything starts', async () => {
  const home = join(await emptyHome(), 'home')
  const taken = String(await silentPort())
  const cases: [Record<string, string>, RegExp][] = [
    [{ WORKER_KINDS: 'gpu:1' }, /^WORKER_KINDS: "gpu:1" is not of the form/],
    [{ STEWARD_FILE: '/no/such/steward.yaml' }, /STEWARD_FILE/],
    [{ INDEX_PORT: taken }, /^INDEX_PORT, METRICS_HOST: cannot listen on .* Set INDEX_PORT to a free port/],
    [{ WORKER_PORT: '4700', METRICS_HOST: '192.0.2.1' }, /^WORKER_PORT, METRICS_HOST: cannot listen on 192\.0\.2\.1/],
    [{ API_METRICS_PORT: '4700', WORKER_PORT: '4700' }, /^API_METRICS_PORT, WORKER_PORT: both are 4700\./],
    [
      { MODELCOMMONS_HOME: `${import.meta.filename}/home` },
      /^MODELCOMMONS_HOME: .* cannot be created or written \(ENOTDIR\)/,
    ],
    [{ S3_BUCKET: 'ab' }, /^S3_BUCKET: expected the name of a bucket: at least 3 characters$/],
  ]
  for (const [env, expected] of cases) {
    const { code, output } = await runProgram('up', { MODELCOMMONS_HOME: home, PORT: '0', ...env })
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(expected) })
    expect(output.replace(/\n {2}because: .*$/, '').split('\n')).toHaveLength(1)
    expect(existsSync(home)).toBe(false)
  }
})

test('a home folder of a newer release, or of another major version of PostgreSQL, is refused and left as it is', async () => {
  const home = await emptyHome()
  await writeFile(join(home, 'version'), '99.0.0\n')
  expect(await runProgram('up', { MODELCOMMONS_HOME: home, PORT: '0' })).toEqual({
    code: 1,
    output: expect.stringMatching(/^MODELCOMMONS_HOME: release 99\.0\.0 has used .*, and this is \d/),
  })
  await rm(join(home, 'version'))
  await mkdir(join(home, 'postgres/data'), { recursive: true })
  await writeFile(join(home, 'postgres/data/PG_VERSION'), '9\n')
  await writeFile(join(home, 'postgres/password'), 'secret')
  expect(await runProgram('up', { MODELCOMMONS_HOME: home, PORT: '0' })).toEqual({
    code: 1,
    output: expect.stringMatching(
      /has files of PostgreSQL 9, which the embedded PostgreSQL \d+ cannot open\. .* backup/,
    ),
  })
  expect(await readdir(join(home, 'postgres/data'))).toEqual(['PG_VERSION'])
})
