import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { canonicalSample } from '#rules/sample.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { freshDatabase } from '#test/database.ts'
import { account, insert } from '#test/factory.ts'
import { watchRemovals } from '#workers/watchRemovals.ts'
import { readSystemMetric, SYSTEM_METRICS } from './systemMetrics.ts'
import { modelcommons } from './test/program.ts'

test('a takedown by command is listed with actor, reason and time, without the content; metric and log tell the endpoint', async () => {
  const db = await freshDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-takedown-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const store = localStore(join(folder, 'artifacts'))
  const contentHash = await store.put(
    new TextEncoder().encode(canonicalSample({ prompt: 'Who lives at 7 Elm Road?', completion: 'c' })),
  )
  await insert(db, Contribution, { id: '1', datanetId: '1', contentHash, status: 'Accepted' })
  await insert(db, VersionInfluence, { id: '4-1', versionId: '4', contributionId: '1' })
  await insert(db, Endpoint, { id: '2', versionId: '4', host: account(5) })
  const env = { DATABASE_URL: db.url, MODELCOMMONS_HOME: folder }
  const run = (...args: string[]) => modelcommons(args, env)

  const logged: unknown[] = []
  const check = watchRemovals(db, { warn: (details: object) => logged.push(details) } as never)
  await check()
  const done = await run('takedown', contentHash, '--reason', 'It names a person.')
  expect(done.code, done.stderr).toBe(0)
  const { takedowns, withdrawals } = JSON.parse((await run('takedowns', '--json')).stdout)
  expect(takedowns).toMatchObject([{ id: contentHash, reason: 'It names a person.', liftedAt: null }])
  expect(withdrawals).toEqual([])
  expect(`${done.stdout}${JSON.stringify(takedowns)}`).not.toContain('Elm Road')

  for (const _ of ['first', 'again']) await check()
  const expected = { endpoint: '2', host: account(5), version: '4' }
  expect(logged).toEqual([{ ...expected, contributions: 1 }])
  const metric = SYSTEM_METRICS.find(({ name }) => name === 'served_removed_contributions')
  expect(metric && (await readSystemMetric(db, metric))).toEqual([{ labels: expected, value: 1 }])

  expect((await run('takedown', contentHash, '--lift', '--reason', 'Agreed.')).code).toBe(0)
  expect((await run('takedowns')).stdout).toMatch(/It names a person\..*lifted .*: Agreed\./)
  expect((await run('takedown', contentHash, '--lift', '--reason', 'Agreed.')).code).toBe(0)
  const unknown = await run('takedown', `0x${'1'.repeat(64)}`, '--reason', 'x')
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/no contribution has the sample/) })
})
