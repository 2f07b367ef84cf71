import { afterAll, describe, expect, test, vi } from 'vitest'
import { backlogAdded } from '#schema/backlog.ts'
import { findJob } from '#schema/enqueue.ts'
import { SlotSemaphore } from '#schema/slotSemaphore.ts'
import { backends, stopRedis } from '#schema/test/queues.ts'
import { createDirectStart } from './directStart.ts'
import { testWorker } from './test/testWorker.ts'

afterAll(stopRedis)

type TestSystem = Awaited<ReturnType<typeof testWorker>>
/** No sweep adds an entry during these tests. */
const NO_SWEEP = { queuedMs: 60_000 }
const slots = (chain: number) => ({ infer: 0, attribute: 0, training: 0, chain, recourse: 0, relay: 0 })
const reach = (system: TestSystem, id: string, status: string) =>
  vi.waitFor(async () => expect((await findJob(system.db, id)).status).toBe(status), { timeout: 10_000, interval: 10 })
const gate = () => {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}
/** Starts a worker and waits until it has run a job. */
async function idleWorker(system: TestSystem, ...options: Parameters<TestSystem['startWorker']>) {
  const worker = await system.startWorker(...options)
  const { id } = await system.enqueue('scoreDatanet', { datanetId: '1' })
  await reach(system, id, 'Succeeded')
  await backlogAdded(system.queues)
  return worker
}
const scoreDatanet = async () => ({ result: {} })

describe.each(backends)('on %s', (backend) => {
  test('a job starts without the queue when a worker has a free slot', async () => {
    const system = await testWorker(backend)
    await idleWorker(system, { scoreDatanet, settleEpoch: async () => ({ result: {} }) }, { timing: NO_SWEEP })
    const add = vi.spyOn(system.queues, 'add').mockRejectedValue(new Error('the queue is away'))
    const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
    await reach(system, id, 'Succeeded')
    add.mockRestore()
  })

  test('every job of a burst runs once, on four workers with fewer slots than jobs, without the sweep', async () => {
    const system = await testWorker(backend)
    const runs = new Map<string, number>()
    const settleEpoch = async ({ id }: { id: string }) => {
      runs.set(id, (runs.get(id) ?? 0) + 1)
      return { result: {} }
    }
    for (let i = 0; i < 4; i++)
      await idleWorker(system, { scoreDatanet, settleEpoch }, { timing: NO_SWEEP, slots: slots(3) })
    for (let round = 0; round < 3; round++) {
      const made = await Promise.all(Array.from({ length: 100 }, () => system.enqueue('settleEpoch', { epoch: 1 })))
      for (const { id } of made) await reach(system, id, 'Succeeded')
    }
    expect(runs.size).toBe(300)
    expect([...runs.values()].every((count) => count === 1)).toBe(true)
    const { rows } = await system.db.query(`select count(*) as n from job_run where attempt <> 1`)
    expect(rows).toEqual([{ n: 0 }])
  })

  test('direct starts and entries of the queue share the slots', async () => {
    const system = await testWorker(backend)
    let now = 0
    let most = 0
    const settleEpoch = async () => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, 3))
      now--
      return { result: {} }
    }
    await idleWorker(system, { scoreDatanet, settleEpoch }, { timing: NO_SWEEP, slots: slots(3) })
    const made: string[] = []
    for (let i = 0; i < 60; i++) {
      made.push((await system.enqueue('settleEpoch', { epoch: 1 })).id)
      if (i % 5 === 0) await backlogAdded(system.queues)
    }
    for (const id of made) await reach(system, id, 'Succeeded')
    expect(most).toBeLessThanOrEqual(3)
  })

  test('an entry does not wait in a worker whose slots direct starts hold: another worker runs it', async () => {
    const system = await testWorker(backend)
    const { open, opened } = gate()
    const ran: string[] = []
    const by = (name: string) => async () => {
      ran.push(name)
      if (name === 'busy') await opened
      return { result: {} }
    }
    await idleWorker(system, { scoreDatanet, settleEpoch: by('busy') }, { timing: NO_SWEEP, slots: slots(1) })
    const held = await system.enqueue('settleEpoch', { epoch: 1 })
    await reach(system, held.id, 'Running')
    const second = await system.enqueue('settleEpoch', { epoch: 2 })
    await backlogAdded(system.queues)
    await system.startWorker({ settleEpoch: by('free') }, { timing: NO_SWEEP, slots: slots(1) })
    await reach(system, second.id, 'Succeeded')
    expect(ran).toEqual(['busy', 'free'])
    open()
    await reach(system, held.id, 'Succeeded')
  })

  test('jobs whose notifications are lost start all the same: the queue wakes the worker', async () => {
    const system = await testWorker(backend)
    await idleWorker(system, { scoreDatanet, settleEpoch: async () => ({ result: {} }) }, { timing: NO_SWEEP })
    const { rowCount } = await system.db.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen "modelcommons"' and datname = current_database()`,
    )
    expect(rowCount).toBe(1)
    const made = await Promise.all(Array.from({ length: 30 }, () => system.enqueue('settleEpoch', { epoch: 1 })))
    for (const { id } of made) await reach(system, id, 'Succeeded')
  })
})

test('a worker that stops ends the jobs that it started directly, and starts no others', async () => {
  const system = await testWorker()
  const { open, opened } = gate()
  const settleEpoch = async () => {
    await opened
    return { result: {} }
  }
  const worker = await idleWorker(system, { scoreDatanet, settleEpoch }, { timing: { ...NO_SWEEP, graceMs: 10_000 } })
  const first = await system.enqueue('settleEpoch', { epoch: 1 })
  await reach(system, first.id, 'Running')
  const stopped = worker.stop()
  const second = await system.enqueue('settleEpoch', { epoch: 2 })
  await backlogAdded(system.queues)
  open()
  await stopped
  expect((await findJob(system.db, first.id)).status).toBe('Succeeded')
  expect((await findJob(system.db, second.id)).status).toBe('Queued')
  await system.startWorker({ settleEpoch }, { timing: NO_SWEEP })
  await reach(system, second.id, 'Succeeded')
})

test('a claim that fails is tried again without another notification, and gives its slots back', async () => {
  const slots = new SlotSemaphore(2)
  const outcomes: (Promise<void>[] | undefined)[] = [undefined, [Promise.resolve()]]
  const direct = createDirectStart(async () => (outcomes.length > 0 ? outcomes.shift() : []))
  direct.add('chain', slots)
  await vi.waitFor(() => expect(outcomes).toEqual([]))
  await vi.waitFor(() => expect(slots.free).toBe(2))
  await direct.stop()
})
