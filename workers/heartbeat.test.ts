import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import pino from 'pino'
import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { startHeartbeat } from './heartbeat.ts'
import { claimJob } from './jobState.ts'
import { testWorker } from './test/testWorker.ts'

test('metric points that a kill kept from the database are reported by the attempt that continues from the checkpoint', async () => {
  const system = await testWorker('postgres')
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  const job = must(await claimJob(system.db, id, 'w1'), 'claim')
  const folder = join(system.folder, 'checkpoints', id)
  const attempt = () =>
    startHeartbeat({
      db: system.db,
      claim: job,
      log: pino({ level: 'silent' }),
      heartbeatMs: 1e9,
      writeMs: 1e9, // only `stop` writes
      staleMs: 1e9,
      onInterrupt: () => {},
    })
  const killed = attempt()
  killed.metric('loss', 0, 8)
  killed.persistTo(folder)
  killed.metric('loss', 1, 4)
  killed.metric('loss', 2, 2)
  await appendFile(join(folder, 'metrics.jsonl'), '["loss",3')
  const next = attempt()
  next.metric('loss', 0, 9) // a point reported again replaces the stored one
  next.persistTo(folder)
  next.metric('loss', 3, 1)
  await next.stop()
  const stored = async () =>
    (await system.db.query('select step, value from job_metric order by step')).rows.map(({ step, value }) => [
      step,
      value,
    ])
  const all = [
    [0, 9],
    [1, 4],
    [2, 2],
    [3, 1],
  ]
  expect(await stored()).toEqual(all)
  const last = attempt()
  last.persistTo(folder)
  await last.stop()
  expect(await stored()).toEqual(all)
})
