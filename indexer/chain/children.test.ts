import { type Address, toEventSelector } from 'viem'
import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import { type ContractFactory, startIndexer } from '../index.ts'
import { expectIndexedLogs, family } from '../test/family.ts'
import { faultyNode } from '../test/faultyNode.ts'
import { expectClean, follow } from '../test/follow.ts'
import { expectOneRoot } from '../test/governors.ts'
import { Children } from './children.ts'

test('new contracts are indexed from their first event, in final ranges and at the head', async () => {
  const world = await family()
  const { chain, make, move } = world
  const children = [...(await make(2)), ...(await make(1))]
  for (let i = 0; i < 30; i++) {
    if (i % 10 === 4) children.push(...(await make(1)))
    await move(must(children[i % children.length]), i)
  }
  const node = await faultyNode(chain.url)
  node.fault = ({ method, params }) => {
    if (method !== 'eth_getLogs') return undefined
    const [{ fromBlock, toBlock }] = params as [{ fromBlock?: string; toBlock?: string }]
    return fromBlock && Number(toBlock) - Number(fromBlock) >= 7
      ? { error: { code: -32005, message: 'limited to a 7 block range' } }
      : undefined
  }
  const [ranged, linked] = [await freshDatabase(), await freshDatabase()]
  await (await follow(chain, ranged, { rpcUrl: node.url, confirmations: 1 })).caughtUp()
  await expectIndexedLogs(world, ranged, children)
  await (await follow(chain, linked, { confirmations: 10_000 })).caughtUp()
  await expectIndexedLogs(world, linked, children)
  await expectClean(chain, ranged)
})

test('new contracts are followed while the chain grows, and after a restart', async () => {
  const world = await family()
  const { chain, make, move } = world
  const db = await freshDatabase()
  const first = await follow(chain, db)
  await first.caughtUp()
  const children = await make(2)
  await move(must(children[0]), 5)
  await first.caughtUp()
  await expectIndexedLogs(world, db, children)
  await first.stop()
  await move(must(children[1]), 6)
  await (await follow(chain, db)).caughtUp()
  await expectIndexedLogs(world, db, children)
})

test('a contract whose creation a reorganisation removed is dropped, and followed again when it is created again', async () => {
  const world = await family()
  const { chain, make, move } = world
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { confirmations: 64 })
  const makeOne = async () => must((await make(1))[0])
  const kept = await makeOne()
  await move(kept, 1)
  const lost = await makeOne()
  await move(lost, 2)
  await indexer.caughtUp()
  await expectIndexedLogs(world, db, [kept, lost])
  await chain.call('anvil_reorg', 2, [])
  await indexer.caughtUp()
  await expectIndexedLogs(world, db, [kept])
  await expectClean(chain, db)
  const recreated = await makeOne()
  expect(recreated).toBe(lost) // the factory creates its next child at the same address
  await move(recreated, 3)
  await indexer.caughtUp()
  await expectIndexedLogs(world, db, [kept, recreated])
  await expectClean(chain, db)
})

test('however a chain with new contracts is indexed, the state root is the same', async () => {
  const { chain, make, move } = await family()
  const children: Address[] = []
  for (let i = 0; i < 40; i++) {
    if (i % 7 === 3) children.push(...(await make(2)))
    else if (children.length) await move(must(children[i % children.length]), i)
  }
  await expectOneRoot(chain, chain.deployment)
})

test('a gateway is not used where factories are followed, and the log says so', async () => {
  const { chain, make } = await family()
  await make(1)
  const warned: string[] = []
  const log = { info() {}, warn: (_: object, message: string) => void warned.push(message) }
  const nobody = 'http://127.0.0.1:9/v2/network/nobody'
  await (await follow(chain, await freshDatabase(), { gatewayUrl: nobody, log })).caughtUp()
  expect(warned).toEqual(['The gateway is not used: it cannot follow contracts that a factory creates'])
})

test('a factory whose declaration is wrong is refused', async () => {
  const { chain, factory } = await family()
  const db = await freshDatabase()
  const start = (changed: Partial<ContractFactory>) => {
    const deployment = { ...chain.deployment, factories: [{ ...factory, ...changed }] }
    return startIndexer({ db, rpcUrl: chain.url, deployment })
  }
  await expect(start({ argument: 'number' })).rejects.toThrow('has no address named number')
  await expect(start({ event: 'Created' })).rejects.toThrow('is not an event declaration')
  // as never: configuration files are not type-checked
  await expect(start({ follows: 'Stranger' as never })).rejects.toThrow(
    'cannot be followed as a Stranger, only as GOpen or Time',
  )
  await expect(start({ address: `0x${'ab'.repeat(20)}` })).rejects.toThrow(
    /no contract at 0xab.*configured as the factory/,
  )
})

test('an announcement of a Governor that cannot be read announces nothing; one of a factory ends the indexer', () => {
  const [address, event] = [
    `0x${'11'.repeat(20)}` as const,
    'event TimelockChange(address oldTimelock, address newTimelock)',
  ]
  const [hash, topic] = [`0x${'22'.repeat(32)}` as const, toEventSelector('TimelockChange(address,address)')]
  const log = {
    address,
    topics: [topic],
    data: '0x' as const,
    block: 1,
    blockHash: hash,
    transactionHash: hash,
    index: 0,
  }
  expect(new Children(new Map(), [], [address]).addAnnounced([log])).toEqual([])
  const factory = { address, event, argument: 'newTimelock', follows: 'TimelockController' } as const
  expect(() => new Children(new Map(), [factory]).addAnnounced([log])).toThrow('Correct the declaration of the factory')
})
