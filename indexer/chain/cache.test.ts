import { cp, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import { rollbackRows } from '../store/versions.ts'
import { testChain } from '../test/chain.ts'
import { difference } from '../test/compare.ts'
import { faultyNode } from '../test/faultyNode.ts'
import { expectClean, follow } from '../test/follow.ts'
import { noise, prepareNoise, seededInts } from '../test/noise.ts'
import type { BlockRange } from './blockRange.ts'
import { ChainCache } from './cache.ts'

async function folder() {
  const made = await mkdtemp(join(tmpdir(), 'modelcommons-cache-'))
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return made
}

async function noisyChain(transactions = 40) {
  const chain = await testChain()
  await prepareNoise(chain)
  const next = seededInts(29)
  for (let i = 0; i < transactions; i++) await noise(chain, next)
  return chain
}

const hash = (number: number) => `0x${number.toString(16).padStart(64, '0')}`
const header = (number: number) => ({
  number,
  hash: hash(number),
  parentHash: hash(number - 1),
  timestamp: new Date(1_800_000_000_000 + number * 1000),
})
const subject = { chainId: 1, addresses: ['0xaa', '0xbb'], topics: ['0x01'], base: header(0) }
const range = (from: number, to: number): BlockRange => ({
  from,
  to,
  headers: [header(from), header(to)],
  logs: ['0xbb', '0xcc'].map((address, index) => ({
    address: address as `0x${string}`,
    topics: ['0x01', '0x02'],
    data: '0x1234',
    block: from,
    blockHash: hash(from),
    transactionHash: hash(7),
    index,
  })),
})

test('the index is rebuilt from the cache while no node answers, up to the last final block', async () => {
  const chain = await noisyChain()
  const node = await faultyNode(chain.url)
  const cacheFolder = await folder()
  const first = await freshDatabase()
  const options = { rpcUrl: node.url, cacheFolder }
  const online = await follow(chain, first, options)
  await online.caughtUp()
  const { finalBlock } = online.status()
  await online.stop()
  await node.down()

  const again = await freshDatabase()
  const offline = await follow(chain, again, options)
  await offline.caughtUp(finalBlock)
  await first.transaction((sql) => rollbackRows(sql, finalBlock))
  expect(finalBlock).toBeGreaterThan(30)
  expect(await difference(again, first)).toEqual([])
  await expect.poll(() => offline.status().problem).toMatch(/does not answer/)

  await node.up()
  const next = seededInts(31)
  for (let i = 0; i < 10; i++) await noise(chain, next)
  await offline.caughtUp(await chain.head())
  await expectClean(chain, again)
})

test('cached blocks that are no longer on the chain are dropped', async () => {
  const chain = await noisyChain(20)
  const cacheFolder = await folder()
  const options = { cacheFolder, confirmations: 1 }
  const first = await follow(chain, await freshDatabase(), options)
  await first.caughtUp()
  await first.stop()
  await chain.call('anvil_reorg', 8, [])
  for (let i = 0; i < 4; i++) await chain.send(1, 'GOpen', 'deposit', [], 3n)
  const db = await freshDatabase()
  await (await follow(chain, db, options)).caughtUp()
  await expectClean(chain, db)
})

test('ranges come back as they were stored, cut to the requested start, and never with a gap', async () => {
  const where = await folder()
  const cache = new ChainCache(where, 'a')
  cache.start(subject, { note: 1 })
  for (const one of [range(1, 10), range(12, 20), range(11, 20), range(21, 30)]) cache.append(one)
  cache.close()
  const again = new ChainCache(where, 'a')
  expect([...again.ranges(1, 30)]).toEqual([range(1, 10), range(11, 20), range(21, 30)])
  expect([...again.ranges(1, 29)]).toEqual([range(1, 10), range(11, 20)])
  expect([...again.ranges(15, 20)]).toEqual([{ from: 15, to: 20, headers: [header(20)], logs: [] }])
  expect(again.header(0)).toEqual(header(0))
  expect(again.header(20)).toEqual(header(20))
  expect(again.notes()).toEqual({ note: 1 })
  again.keepAnswer(20, 'supply at 20', '7')
  again.keepAnswer(31, 'supply at 31', '8') // the block is not cached
  again.truncate(20)
  expect(again.answer('supply at 20')).toBeUndefined() // it came after a range that is dropped
  again.keepAnswer(20, 'supply at 20', null)
  again.append(range(21, 25))
  again.close()
  const last = new ChainCache(where, 'a')
  expect(last.end).toEqual({ number: 25, hash: hash(25) })
  expect(['supply at 20', 'supply at 31'].map((question) => last.answer(question)?.answer)).toEqual([null, undefined])
  last.start({ ...subject, topics: ['0x02'] }, {})
  expect(last.end).toMatchObject({ number: 0 })
  expect([...last.ranges(1, 100)]).toEqual([])
})

test('a file that is truncated or corrupt anywhere is valid up to there, and continues from there', async () => {
  const where = await folder()
  const whole = new ChainCache(where, 'whole')
  whole.start(subject, {})
  const all = [range(1, 10), range(11, 20), range(21, 30)]
  for (const one of all) whole.append(one)
  whole.close()
  const bytes = await readFile(join(where, 'whole.log'))
  const next = seededInts(3)
  for (let i = 0; i < 40; i++) {
    const file = join(where, 'hurt.log')
    const place = next(bytes.length)
    if (i % 2) {
      await cp(join(where, 'whole.log'), file)
      await truncate(file, place)
    } else {
      const spoilt = Buffer.from(bytes)
      spoilt[place] = must(spoilt[place]) ^ (1 + next(255))
      await writeFile(file, spoilt)
    }
    const hurt = new ChainCache(where, 'hurt')
    const kept = [...hurt.ranges(1, 30)]
    expect(kept).toEqual(all.slice(0, kept.length))
    expect(kept.length).toBeLessThan(3)
    hurt.start(subject, {})
    for (const one of all.slice(kept.length)) hurt.append(one)
    hurt.close()
    const healed = new ChainCache(where, 'hurt')
    expect([...healed.ranges(1, 30)]).toEqual(all)
    healed.close()
  }
})

test('a full disk stops the cache, not the indexer', async () => {
  const chain = await noisyChain(10)
  const cacheFolder = await folder()
  const first = await follow(chain, await freshDatabase(), { cacheFolder })
  await first.caughtUp()
  await first.stop()
  const name = must((await readdir(cacheFolder))[0])
  await rm(join(cacheFolder, name))
  await symlink('/dev/full', join(cacheFolder, name))
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { cacheFolder })
  await indexer.caughtUp()
  await expectClean(chain, db)

  const full = new ChainCache(cacheFolder, name.slice(0, -4))
  full.start(subject, {})
  expect(full.failure?.message).toMatch(/ENOSPC/)
})
