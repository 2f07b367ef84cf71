import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { computeEpoch, publishArguments } from '#epochs/epoch.ts'
import { testChain } from '#indexer/test/chain.ts'
import { folderObjects, localStore } from '#schema/artifacts/index.ts'
import { putDocument, rewardMapDocument, usageDocument } from '#schema/documents.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { withFreshIndex } from './freshIndex.ts'
import { type MirroredEpoch, mirrorEpochs } from './mirrorEpochs.ts'
import { blocksAt } from './ownIndex.ts'

test('all artifacts of the published epochs are copied once, verified; a damaged copy is copied again', async () => {
  const chain = await testChain()
  const { deployment, url: rpcUrl } = chain
  const home = await temporaryFolder()
  const store = localStore(home)
  const done = new AbortController()
  onTestFinished(() => done.abort())
  const { blockHash } = blocksAt(rpcUrl, done.signal)
  await chain.send(0, 'GOpen', 'deposit', [], 100n)
  await chain.send(0, 'GOpen', 'approve', [deployment.addresses.RewardDistributor, 100n])
  const publish = async (epoch: number) => {
    await chain.send(0, 'RewardDistributor', 'fund', [1n])
    await chain.call('anvil_mine', `0x${deployment.settings.epochLength.toString(16)}`)
    const usage = await putDocument(store, usageDocument, { epoch, receipts: [] })
    const map = await withFreshIndex({ rpcUrl, deployment }, await chain.head(), (sql) =>
      computeEpoch({ sql, artifacts: store, deployment, blockHash }, { epoch, usage: [usage], absent: [] }),
    )
    const uri = await putDocument(store, rewardMapDocument, map)
    await chain.send(0, 'RewardDistributor', 'publish', publishArguments(map, uri))
    return [usage, uri] as const
  }
  const [first, second] = [await publish(1), await publish(2)]
  const to = join(await temporaryFolder(), 'copy')
  await withFreshIndex({ rpcUrl, deployment }, await chain.head(), async (sql) => {
    const mirrored = async (epoch?: number) => {
      const epochs: MirroredEpoch[] = []
      for await (const one of mirrorEpochs({ sql, artifacts: store, deployment, blockHash }, to, epoch))
        epochs.push(one)
      return epochs
    }
    expect(await mirrored(1)).toEqual([{ epoch: 1, copied: 2, present: 0 }])
    expect(await mirrored()).toEqual([
      { epoch: 1, copied: 0, present: 2 },
      { epoch: 2, copied: 2, present: 1 },
    ])
    const names = (await readdir(to, { recursive: true })).filter((name) => name.includes('0x'))
    expect(names.map((name) => name.slice(3)).sort()).toEqual([...first, ...second].sort())
    const [usage, map] = second
    await writeFile(join(to, String(names.find((name) => name.endsWith(usage)))), 'damaged')
    expect((await mirrored(2))[0]).toEqual({ epoch: 2, copied: 1, present: 2 })
    for (const folder of [to, home]) await folderObjects(folder).delete(map)
    expect(await mirrored(2)).toEqual([
      { epoch: 2, copied: 0, present: 0, problem: expect.stringContaining(`Artifact ${map} is not in`) },
    ])
    expect((await mirrored(7))[0]?.problem).toMatch(/Epoch 7 has no published reward map/)
  })
})
