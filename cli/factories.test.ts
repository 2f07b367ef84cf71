import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '#config'
import { expectIndexedLogs, family } from '#indexer/test/family.ts'
import { follow } from '#indexer/test/follow.ts'
import { openDatabase } from '#schema/database.ts'
import { freshDatabaseUrl } from '#test/database.ts'
import { must } from '#test/must.ts'
import { writeDeployment } from './deployment.ts'
import { indexTargets } from './indexCommand.ts'

/** The folder of a test's files, and the indexes that they define. */
async function house(rpcUrl: string) {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-factories-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'file.json')
  const DATABASE_URL = await freshDatabaseUrl()
  return {
    file,
    async configured(chains: object) {
      await writeFile(file, JSON.stringify({ chains: [chains] }))
      return indexTargets({ config: file }, readConfig({ DATABASE_URL, RPC_URL: rpcUrl }, { requireDeployment: false }))
    },
    deployed: () => indexTargets({}, readConfig({ DATABASE_URL, RPC_URL: rpcUrl, DEPLOYMENT: file }, { signs: false })),
  }
}

type Followings = Awaited<ReturnType<typeof indexTargets>>

async function indexed(world: Awaited<ReturnType<typeof family>>, [following]: Followings) {
  const { databaseUrl, deployment } = must(following)
  const db = await openDatabase(databaseUrl)
  onTestFinished(() => db.close())
  const { caughtUp } = await follow(world.chain, db, { deployment })
  const children = await world.make(2)
  await world.move(must(children[1]), 7)
  await caughtUp()
  await expectIndexedLogs(world, db, children)
}

test('factories that a configuration file or a deployment file names are followed', async () => {
  const world = await family()
  const { url, deployment } = world.chain
  const governors = [{ address: deployment.addresses.ModelGovernor, startBlock: Number(deployment.startBlock) }]
  const one = await house(url)
  const chainId = deployment.chainId
  await indexed(world, await one.configured({ chainId, governors, factories: [world.factory] }))

  const fresh = await family()
  const other = await house(fresh.chain.url)
  await writeDeployment(other.file, fresh.chain.deployment)
  await indexed(fresh, await other.deployed())
})

test('a file with an invalid factory is refused, with the place and the reason', async () => {
  const address = `0x${'ab'.repeat(20)}`
  const factory = { address, event: 'event Made(address indexed it, uint256 n)', argument: 'it', follows: 'GOpen' }
  const { configured, deployed, file } = await house('http://127.0.0.1:9')
  const governors = [{ address, startBlock: 1 }]
  const refusal = (changed: object) => configured({ chainId: 1, governors, factories: [{ ...factory, ...changed }] })
  const place = 'chains[0].factories[0]'
  await expect(refusal({ address: '0x12' })).rejects.toThrow(`${place}.address: expected an address`)
  await expect(refusal({ follows: 'Moon' })).rejects.toThrow(`${place}.follows: expected GOpen or TimelockController`)
  await expect(refusal({ follows: 'ModelGovernor' })).rejects.toThrow(`${place}.follows: expected GOpen or Timelock`)
  await expect(refusal({ event: 'Made(' })).rejects.toThrow(
    /factories\[0\]: The factory 0xab.* is not an event declaration/,
  )
  await expect(refusal({ argument: 'n' })).rejects.toThrow(/has no address named n. Correct its declaration/)
  await expect(refusal({ startBlock: 4 })).rejects.toThrow(`${place}: Unrecognized key: "startBlock"`)

  const addresses = { ModelGovernor: address }
  await writeFile(
    file,
    JSON.stringify({ chainId: 1, startBlock: '1', addresses, factories: [{ ...factory, argument: 7 }] }),
  )
  await expect(deployed()).rejects.toThrow('factories.0.argument: expected the name of the argument')
})
