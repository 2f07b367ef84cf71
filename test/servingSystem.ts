import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from 'viem'
import { onTestFinished } from 'vitest'
import { writeDeployment } from '#cli/deployment.ts'
import { type Service, supervise } from '#cli/supervisor.ts'
import { OPERATOR } from '#contracts/test/world.ts'
import { EngineProcess } from '#engine/process/index.ts'
import { colourPairs, tinyModel } from '#engine/tasks/test/tinyModel.ts'
import { consumer, openChannel, submit } from '#graphql/test/market.ts'
import { documentBytes } from '#schema/documents.ts'
import { storeFolder } from '#schema/folders.ts'
import { silent } from '#workers/test/testWorker.ts'
import type { TestSystem } from './testSystem.ts'

/** A small real model behind endpoint 1 of a test system, and the services as processes of their own. */

const BUDGET = 10n ** 12n

/** Stores a base model and an adapter in the place of those that the system lacks, and opens a channel of a consumer.
 *  Returns the input of calls. */
export async function serveTinyModel(
  { db, artifacts, ask }: TestSystem,
  options: Parameters<typeof tinyModel>[0] = {},
) {
  const model = await tinyModel(options)
  const engine = new EngineProcess()
  try {
    const outFolder = join(model.folder, 'adapter')
    await engine.run('fineTune', {
      baseFolder: model.baseFolder,
      samples: colourPairs(4),
      lora: { rank: 2 },
      training: { epochs: 1, batchSize: 4, learningRate: 0.01, seed: 1 },
      outFolder,
    })
    const { rows } = await db.query<{ spec: string }>(`select spec_hash as spec from model where id = '1'`)
    const specification = JSON.parse(new TextDecoder().decode(await artifacts.get(rows[0]?.spec ?? '')))
    specification.baseModel = await storeFolder(artifacts, model.baseFolder)
    await db.query(`update model set spec_hash = $1 where id = '1'`, [
      await artifacts.put(documentBytes(specification)),
    ])
    await db.query(`update model_version set adapter_hash = $1 where id = '1'`, [
      await storeFolder(artifacts, outFolder),
    ])
  } finally {
    await engine.close()
    await model.remove()
  }
  await openChannel({ db }, BUDGET)
  const { errors } = await submit({ ask }, { ceiling: BUDGET })
  if (errors) throw new Error(errors[0]?.message)
  return { endpointId: '1', prompt: 'thing 1 is red', maxTokens: 4, consumer: consumer.address }
}

/** Starts `modelcommons <name>` for each name, on the database, the store and the chain of the system; stopped when the test is over. */
export async function startServices(
  { db, folder, world }: TestSystem,
  names: readonly string[],
  env: Record<string, string> = {},
): Promise<(Service & { url: string })[]> {
  const file = join(folder, 'deployment.json')
  await writeDeployment(file, world.deployment)
  const services = names.map((name) =>
    supervise(
      name,
      {
        MODELCOMMONS_HOME: folder,
        DATABASE_URL: db.url,
        RPC_URL: world.anvil.url,
        DEPLOYMENT: file,
        OPERATOR_KEY: toHex(OPERATOR.getHdKey().privateKey as Uint8Array),
        MODELCOMMONS_AUTH: 'open',
        MODELCOMMONS_DEVICE: 'cpu',
        PORT: '0',
        LOG_LEVEL: 'error',
        ...env,
      },
      silent,
    ),
  )
  onTestFinished(async () => {
    await Promise.all(services.map((one) => one.stop()))
  })
  return Promise.all(
    services.map(async (one) => Object.assign(one, { url: ((await one.ready) as { url: string })?.url })),
  )
}

/** Reads a file of the repository. */
export const repositoryFile = (path: string) => readFile(join(import.meta.dirname, '..', path), 'utf8')
