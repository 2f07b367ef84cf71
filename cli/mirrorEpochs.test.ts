import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testChain } from '#indexer/test/chain.ts'
import { folderObjects, localStore } from '#schema/artifacts/index.ts'
import { putDocument, rewardMapDocument } from '#schema/documents.ts'
import { computeEpoch, publishArguments } from '#workers/epoch.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { withFreshIndex } from './freshIndex.ts'
import { type MirroredEpoch, mirrorEpochs } from './mirrorEpochs.ts'

test('all artifacts of the published epochs are copied once, verified; a damaged copy is copied again', async () => {
  const chain = await testChain()
  const { deployment, url: rpcUrl } = chain
  const home = await temporaryFolder()
  const store = localStore(home)
  const publish = async (epoch: number) => {
    await chain.wait(1)
    const head = await chain.head()
    const map = await withFreshIndex({ rpcUrl, deployment }, head, async (sql) => {
      const { rows } = await sql.query('select max(number)::int as block from block where number < $1', [head]) // with events
      return computeEpoch({ sql, artifacts: store, deployment }, epoch, rows[0].block)
    })
    const uri = await putDocument(store, rewardMapDocument, map)
    await chain.send(0, 'RewardDistributor', 'publish', publishArguments(map, uri))
    return uri
  }
  const [first, second] = [await publish(1), await publish(2)]
  const to = join(await temporaryFolder(), 'copy')
  await withFreshIndex({ rpcUrl, deployment }, await chain.head(), async (sql) => {
    const mirrored = async (epoch?: number) => {
      const epochs: MirroredEpoch[] = []
      for await (const one of mirrorEpochs({ sql, artifacts: store, deployment }, to, epoch)) epochs.push(one)
      return epochs
    }
    expect(await mirrored(1)).toEqual([{ epoch: 1, copied: 1, present: 0 }])
    expect(await mirrored()).toEqual([
      { epoch: 1, copied: 0, present: 1 },
      { epoch: 2, copied: 1, present: 1 },
    ])
    const names = (await readdir(to, { recursive: true })).filter((name) => name.includes('0x'))
    expect(names.map((name) => name.slice(3)).sort()).toEqual([first, second].sort())
    await writeFile(join(to, String(names[0])), 'damaged')
    expect((await mirrored(2))[0]).toEqual({ epoch: 2, copied: 1, present: 1 })
    for (const folder of [to, home]) await folderObjects(folder).delete(second)
    expect(await mirrored(2)).toEqual([
      { epoch: 2, copied: 0, present: 1, problem: expect.stringContaining(`Artifact ${second} is not in`) },
    ])
    expect((await mirrored(7))[0]?.problem).toMatch(/Epoch 7 has no published reward map/)
  })
})
