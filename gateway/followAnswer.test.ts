import { expect, onTestFinished, test, vi } from 'vitest'
import { openNotificationFeed } from '#graphql/live/feed.ts'
import { notify } from '#schema/notifications.ts'
import { JobRun, type JobStatus, WorkerNode } from '#schema/offchain/jobs.ts'
import { freshDatabase } from '#test/database.ts'
import { insert } from '#test/factory.ts'
import { serveAnswerStreams } from '#workers/answerStreams.ts'
import { followAnswer } from './followAnswer.ts'

/** A job that two workers run in turns; the test says what each generates. */
async function followed() {
  const db = await freshDatabase()
  const feed = await openNotificationFeed(db)
  onTestFinished(() => feed.stop())
  const workers = await Promise.all(['a', 'b'].map(() => serveAnswerStreams({ host: '127.0.0.1', port: 0 })))
  onTestFinished(async () => void (await Promise.all(workers.map((one) => one.close()))))
  for (const [index, { url, key }] of workers.entries())
    await insert(db, WorkerNode, { id: `worker ${index}`, streamUrl: url, streamKey: key })
  const id = 'f'.repeat(32)
  await insert(db, JobRun, {
    id,
    kind: 'infer',
    status: 'Queued',
    attempt: 0,
    workerId: null,
    result: null,
    error: null,
  })
  const move = async (status: JobStatus, more: { worker?: number; attempt?: number; result?: object } = {}) => {
    const { worker, attempt = 0, result = null } = more
    await db.query('update job_run set status = $2, worker_id = $3, attempt = $4, result = $5 where id = $1', [
      ...[id, status, worker === undefined ? null : `worker ${worker}`, attempt],
      result && JSON.stringify(result),
    ])
    await notify(db, { type: 'job', id, status, progress: 0 })
  }
  const told: string[] = []
  const follow = async () => {
    const answer = followAnswer({ db, feed }, id, { signal: new AbortController().signal, stream: true })
    for (;;) {
      const next = await answer.next()
      if (next.done) return next.value
      told.push(next.value.text)
    }
  }
  const begin = (worker: number) => workers[worker]?.open(id)
  const has = (text: string) => vi.waitFor(() => expect(told.join('')).toBe(text))
  return { move, follow, begin, told, has }
}
const piece = (text: string) => ({ text, tokensIn: 1, tokensOut: 1 })
const result = (answer: string) => ({ receiptId: 'r', answer, tokensIn: 1, tokensOut: 2, fee: '3', finish: 'stop' })

test('a second attempt goes on after what the first has told; the rest comes from the result', async () => {
  const { move, follow, begin, told, has } = await followed()
  const whole = follow()
  await move('Running', { worker: 0, attempt: 1 })
  const first = begin(0)
  first?.push(piece('The parcel '))
  first?.push(piece('is'))
  await has('The parcel is')
  first?.fail()
  await move('Queued', { attempt: 1 })
  await move('Running', { worker: 1, attempt: 2 })
  const second = begin(1)
  second?.push(piece('The par'))
  second?.push(piece('cel is on'))
  await has('The parcel is on')
  second?.end()
  await move('Succeeded', { worker: 1, attempt: 2, result: result('The parcel is on its way.') })
  expect(await whole).toMatchObject({ answer: 'The parcel is on its way.', fee: '3' })
  expect(told).toEqual(['The parcel ', 'is', ' on', ' its way.'])
})

test('a second attempt that differs ends the stream with an error that names the receipt', async () => {
  const { move, follow, begin, has } = await followed()
  const whole = follow()
  await move('Running', { worker: 0, attempt: 1 })
  begin(0)?.push(piece('red'))
  await has('red')
  await move('Queued', { attempt: 1 })
  await move('Running', { worker: 1, attempt: 2 })
  begin(1)?.push(piece('green'))
  await expect(whole).rejects.toMatchObject({
    code: 'STREAM_DIVERGED',
    message: expect.stringContaining('f'.repeat(32)),
  })
})

test('an answer that ended before anybody followed is told at once', async () => {
  const { move, follow, told } = await followed()
  await move('Succeeded', { worker: 0, attempt: 1, result: result('red') })
  await follow()
  expect(told).toEqual(['red'])
})
