import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { checkpointsIn, folderObjects, localStore } from '#schema/artifacts/index.ts'
import { openDatabase } from '#schema/database.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { openQueues } from '#schema/queue.ts'
import { row } from '#schema/rows.ts'
import type { ChainClient } from '../chain.ts'
import { startWorker } from '../index.ts'
import type { Interruption, JobHandlers } from '../job.ts'
import { FAST_TIMING } from './timing.ts'

/** A worker process that a test may kill. Its one GPU job counts to `epochs`, saves its position in the checkpoint folder, and stores one
 *  row. Every step is written to a trace file, so that the test sees which steps ran twice. */

const [databaseUrl, folder, redisUrl, prefix, host] = process.argv.slice(2) as [string, string, string, string, string]
const db = await openDatabase(databaseUrl)
const queues = await openQueues({ databaseUrl, redisUrl: redisUrl || undefined, redisPrefix: prefix })

const handlers: Partial<JobHandlers> = {
  async fineTune(job) {
    const position = join(job.checkpointFolder, 'position')
    /** A kill in the middle of a write must not leave an empty file. */
    const save = async (step: number) => {
      await writeFile(`${position}.part`, String(step))
      await rename(`${position}.part`, position)
    }
    const from = Number(await readFile(position, 'utf8').catch(() => '0'))
    for (let step = from; step < job.input.epochs; step++) {
      if (job.signal.aborted) {
        if ((job.signal.reason as Interruption).reason === 'stopping') await save(step)
        throw job.signal.reason
      }
      await appendFile(join(folder, 'trace'), `${process.pid} ${job.attempt} ${step}\n`)
      job.report(step / job.input.epochs, 'counting')
      job.metric('loss', step, 1 / (step + 1))
      if (step % 10 === 9) await save(step + 1)
      await sleep(10)
    }
    const measured = { influence: 0.5, standardError: 0.1, significant: true, harmful: false, weight: 10 }
    return {
      result: { steps: job.input.epochs, from },
      rows: [row(VersionInfluence, { id: job.id, versionId: '1', contributionId: '1', ...measured })],
      next: [{ kind: 'settleEpoch', input: { epoch: 1 }, key: 'after' }],
      afterRows: async (sql) =>
        void (await sql.query('insert into effect (job, pid) values ($1, $2)', [job.id, process.pid])),
    }
  },
  settleEpoch: async () => ({ result: {} }),
}

const worker = await startWorker({
  db,
  queues,
  artifacts: localStore(join(folder, 'artifacts')),
  chain: undefined as unknown as ChainClient, // its jobs use no chain
  handlers: handlers as JobHandlers,
  log: pino({ level: 'silent' }),
  slots: { infer: 1, attribute: 1, training: 1, chain: 1, recourse: 1, relay: 0 },
  device: 'cpu',
  checkpoints: join(folder, host, 'checkpoints'),
  checkpointStore: checkpointsIn(folderObjects(join(folder, 'artifacts'))),
  timing: FAST_TIMING,
})
process.on('SIGTERM', async () => {
  await worker.stop()
  await queues.close()
  await db.close()
  process.exit(0)
})
process.send?.('ready')
