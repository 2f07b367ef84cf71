import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createWalletClient, type Hex, http } from 'viem'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { rpc } from '#contracts/anvil.ts'
import { freePort } from '#schema/postgres.ts'
import { installTracer, type TraceAttributes } from '#schema/tracing.ts'
import { freshDatabase } from '#test/database.ts'
import { forkSource } from '#test/forkSource.ts'
import { openChainClient } from './chain.ts'
import { ChainMismatchError } from './chainErrors.ts'
import { deployer, type TestNetwork, testNetwork } from './test/operator.ts'
import { rpcProxy } from './test/rpcProxy.ts'
import { temporaryFolder } from './test/testWorker.ts'

let anvil: TestNetwork['anvil']
let deployment: TestNetwork['deployment']
let operator: TestNetwork['operator']
let manually: TestNetwork['manually']
let waiting: TestNetwork['waiting']
let mine: TestNetwork['mine']

beforeAll(async () => {
  ;({ anvil, deployment, operator, manually, waiting, mine } = await testNetwork())
})
afterAll(() => anvil.stop())

describe('a write under a key', () => {
  test('happens once, however many calls are made at once or later, and each call gets the receipt and the events', async () => {
    const { deposit, balance, chain, account } = await operator()
    const receipts = await Promise.all(Array.from({ length: 10 }, () => deposit('one')))
    receipts.push(await deposit('one'))
    expect(new Set(receipts.map(({ transactionHash }) => transactionHash)).size).toBe(1)
    expect(await balance()).toBe(7n)
    expect(receipts.at(-1)?.events).toMatchObject([
      { contract: 'GOpen', name: 'Transfer', args: { to: account.address.toLowerCase(), value: 7n } },
    ])
    const time = await chain.timeOf('one')
    await mine()
    expect(await chain.timeOf('one')).toBe(time)
    expect(time).toBeLessThanOrEqual(await chain.now())
  })

  test('is a span of the trace, with the hash of the transaction', async () => {
    const { deposit } = await operator()
    const spans: TraceAttributes[] = []
    installTracer({
      run(name, { attributes }, work) {
        const span = { name, ...attributes }
        spans.push(span)
        return work({ set: (more) => Object.assign(span, more), fail() {} })
      },
      traceparent: () => null,
    })
    onTestFinished(() => installTracer(undefined))
    const { transactionHash, blockNumber } = await deposit('one')
    expect(spans).toEqual([
      {
        name: 'chain send GOpen.deposit',
        'transaction.key': 'one',
        'transaction.hash': transactionHash,
        'block.number': Number(blockNumber),
      },
    ])
  })

  test('does not wait for other keys: twenty at once take twenty nonces without a gap', async () => {
    const { deposit, balance, rows } = await operator()
    await Promise.all(Array.from({ length: 20 }, (_, i) => deposit(`key ${i}`, BigInt(i + 1))))
    expect(await balance()).toBe(210n)
    expect((await rows()).map(({ nonce }) => nonce)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  test('refuses a key that is used for another call, and returns the transaction that was sent', async () => {
    const { deposit, chain, balance, account } = await operator()
    await deposit('one')
    const other = chain.transact('one', { contract: 'GOpen', functionName: 'transfer', args: [account.address, 1n] })
    await expect(other).rejects.toMatchObject({ code: 'key-reused' })
    await chain.transact('two', { contract: 'GOpen', functionName: 'transfer', args: [deployer.address, 3n] })
    expect((await chain.signedTransaction('two'))?.args('GOpen')).toEqual([deployer.address, 3n])
    expect(await chain.signedTransaction('three')).toBeUndefined()
    expect(await balance()).toBe(4n)
  })

  test('that would revert is not signed; the error is the contract’s own', async () => {
    const { chain, rows, account } = await operator()
    const transfer = chain.transact('t', { contract: 'GOpen', functionName: 'transfer', args: [deployer.address, 5n] })
    await expect(transfer).rejects.toMatchObject({
      name: 'RevertError',
      errorName: 'ERC20InsufficientBalance',
      errorArgs: [account.address, 0n, 5n],
    })
    const promote = chain.transact('p', { contract: 'ModelRegistry', functionName: 'promote', args: [999n] })
    await expect(promote).rejects.toThrow(/^ModelRegistry.promote reverts: [A-Z]\w+\(/)
    expect(await rows()).toEqual([])
  })

  test('that would revert after the pending transactions is not signed either', async () => {
    const { deposit, chain, rows } = await operator()
    await deposit('funds', 10n)
    await manually()
    const all = (key: string) =>
      chain.transact(key, { contract: 'GOpen', functionName: 'transfer', args: [deployer.address, 10n] })
    const first = all('first')
    await waiting(1)
    await expect(all('second')).rejects.toMatchObject({ name: 'RevertError', errorName: 'ERC20InsufficientBalance' })
    await mine()
    await first
    expect((await rows()).map(({ id }) => id)).toEqual(['funds', 'first'])
  })

  test('that reverts when it is mined gives the contract’s error at each call; where it may be sent again, until it would succeed and the revert is final', async () => {
    const proxy = await rpcProxy(anvil.url)
    const { deposit, chain, rows, options, balance } = await operator({ rpcUrl: proxy.url })
    await deposit('funds', 10n)
    proxy.state.mode = 'swallow' // both are signed before the node receives either
    const all = (key: string, through = chain, signal?: AbortSignal) =>
      through.transact(
        key,
        { contract: 'GOpen', functionName: 'transfer', args: [deployer.address, 10n] },
        { signal, again: true },
      )
    const stop = new AbortController()
    for (const key of ['first', 'second']) all(key, chain, stop.signal).catch(() => {})
    await vi.waitFor(async () => expect(await rows()).toHaveLength(3), { timeout: 5000 })
    stop.abort()
    await manually()
    const again = await openChainClient({ ...options, rpcUrl: anvil.url })
    const both = Promise.allSettled([all('first', again), all('second', again)])
    await waiting(2)
    await mine()
    const outcomes = await both
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const failed = outcomes[0].status === 'rejected' ? 'first' : 'second'
    await expect(all(failed, again)).rejects.toMatchObject({
      name: 'RevertError',
      errorName: 'ERC20InsufficientBalance',
    })
    expect((await rows()).find(({ id }) => id === failed)).toMatchObject({
      status: 'Reverted',
      error: expect.stringContaining('ERC20InsufficientBalance'),
    })

    await rpc(anvil.url, 'evm_setAutomine', [true])
    const more = { contract: 'GOpen', functionName: 'deposit', args: [], value: 10n } as const
    await again.transact('more', more)
    await expect(all(failed, again)).rejects.toThrow('ERC20InsufficientBalance') // another fork might take it
    await mine(100)
    const once = { contract: 'GOpen', functionName: 'transfer', args: [deployer.address, 10n] } as const
    await expect(again.transact(failed, once)).rejects.toThrow('ERC20InsufficientBalance')
    const { transactionHash } = await all(failed, again)
    expect(await balance()).toBe(0n)
    await again.transact('still more', more)
    expect((await all(failed, again)).transactionHash).toBe(transactionHash)
    expect(await balance()).toBe(10n)
  })
})

describe('a killed process', () => {
  test.each(['swallow', 'mute'] as const)(
    'whose transaction is stored and whose answer from the node is lost (%s): the transaction happens once',
    async (mode) => {
      const { deposit, balance, rows, db, operatorKey } = await operator()
      const proxy = await rpcProxy(anvil.url)
      proxy.state.mode = mode
      const file = join(await temporaryFolder(), 'deployment.json')
      await writeFile(file, JSON.stringify({ chainId: deployment.chainId, addresses: deployment.addresses }))
      const child = forkSource('workers/test/chainChild.ts', [db.url, proxy.url, file, operatorKey, 'k'])
      const gone = new Promise((resolve) => child.once('exit', resolve))
      await vi.waitFor(() => expect(proxy.state.received).toBe(1), { timeout: 30_000 })
      child.kill('SIGKILL')
      await gone
      expect(await rows()).toMatchObject([{ id: 'k', status: 'Sent' }])
      expect(await balance()).toBe(mode === 'swallow' ? 0n : 7n)
      await deposit('k')
      await deposit('k')
      expect(await balance()).toBe(7n)
      expect(await rows()).toMatchObject([{ id: 'k', status: 'Mined' }])
    },
  )

  test('leaves unsent transactions with earlier nonces: they are sent first', async () => {
    const proxy = await rpcProxy(anvil.url)
    const { deposit, balance, rows, options } = await operator({ rpcUrl: proxy.url })
    proxy.state.mode = 'swallow'
    for (const key of ['a', 'b']) {
      const stop = new AbortController()
      const lost = deposit(key, 1n, stop.signal)
      lost.catch(() => {})
      await vi.waitFor(async () => expect((await rows()).map(({ id }) => id)).toContain(key))
      stop.abort()
    }
    const again = await openChainClient({ ...options, rpcUrl: anvil.url })
    await again.transact('c', { contract: 'GOpen', functionName: 'deposit', args: [], value: 4n })
    await vi.waitFor(async () => expect(await balance()).toBe(6n))
    expect((await rows()).map(({ nonce }) => nonce)).toEqual([0, 1, 2])
  })

  test('whose database lost a row: the nonce gap is filled and the later transactions are mined', async () => {
    const proxy = await rpcProxy(anvil.url)
    const { deposit, balance, rows, db, options } = await operator({ rpcUrl: proxy.url })
    proxy.state.mode = 'swallow'
    for (const key of ['lost', 'kept']) {
      const stop = new AbortController()
      deposit(key, 1n, stop.signal).catch(() => {})
      await vi.waitFor(async () => expect((await rows()).map(({ id }) => id)).toContain(key))
      stop.abort()
    }
    await db.query(`delete from chain_transaction where id = 'lost'`)
    const again = await openChainClient({ ...options, rpcUrl: anvil.url })
    await again.transact('kept', { contract: 'GOpen', functionName: 'deposit', args: [], value: 1n })
    expect(await balance()).toBe(1n)
    expect((await rows()).map(({ nonce }) => nonce)).toEqual([0, 1])
  })
})

describe('a chain that loses transactions', () => {
  test('a transaction dropped from the pool is sent again', async () => {
    const { deposit, balance, chain } = await operator()
    await manually()
    const made = deposit('k')
    const hash = await vi.waitFor(async () => {
      const transaction = await chain.signedTransaction('k')
      if (!transaction) throw new Error('not signed yet')
      return transaction.hash
    })
    await vi.waitFor(async () => expect(await rpc(anvil.url, 'eth_getTransactionByHash', [hash])).not.toBeNull(), {
      timeout: 5000,
    })
    await rpc(anvil.url, 'anvil_dropTransaction', [hash])
    await mine()
    expect(await balance()).toBe(0n)
    await vi.waitFor(async () => expect(await rpc(anvil.url, 'eth_getTransactionByHash', [hash])).not.toBeNull(), {
      timeout: 10_000,
    })
    await mine()
    expect((await made).transactionHash).toBe(hash)
    expect(await balance()).toBe(7n)
  })

  test('a transaction removed by a reorganisation is sent again by the next call, or by `rebroadcast`', async () => {
    const { deposit, balance, chain } = await operator()
    const receipt = await deposit('k')
    await rpc(anvil.url, 'anvil_reorg', [1, []])
    expect(await balance()).toBe(0n)
    expect((await deposit('k')).transactionHash).toBe(receipt.transactionHash)
    expect(await balance()).toBe(7n)
    await rpc(anvil.url, 'anvil_reorg', [1, []])
    expect(await balance()).toBe(0n)
    expect(await chain.rebroadcast()).toBe(1)
    await vi.waitFor(async () => expect(await balance()).toBe(7n))
    expect(await chain.rebroadcast()).toBe(0)
  })

  test('a nonce that another transaction used: an error until that is final, then signed again and mined once', async () => {
    const proxy = await rpcProxy(anvil.url)
    const { deposit, balance, rows, options, account } = await operator({ rpcUrl: proxy.url })
    proxy.state.mode = 'swallow'
    const stop = new AbortController()
    deposit('k', 7n, stop.signal).catch(() => {})
    await vi.waitFor(async () => expect(await rows()).toHaveLength(1))
    stop.abort()
    const wallet = createWalletClient({ account, transport: http(anvil.url) })
    await wallet.sendTransaction({ to: deployer.address, value: 1n, nonce: 0, chain: null })
    const again = await openChainClient({ ...options, rpcUrl: anvil.url })
    const ask = () => again.transact('k', { contract: 'GOpen', functionName: 'deposit', args: [], value: 7n })
    await expect(ask()).rejects.toMatchObject({ code: 'nonce-used' })
    await mine(5)
    await ask()
    expect(await balance()).toBe(7n)
    expect(await rows()).toMatchObject([{ id: 'k', nonce: 1, status: 'Mined' }])
  })

  test('a journal restored from an older backup: the next nonce is the chain’s, and a known key sends nothing again', async () => {
    const { deposit, balance, rows, db } = await operator({})
    await deposit('before', 3n)
    await deposit('after', 4n)
    await db.query(`delete from chain_transaction where id = 'after'`) // the backup was taken between the two
    await deposit('new', 5n)
    await deposit('before', 3n)
    expect(await balance()).toBe(12n)
    expect(await rows()).toMatchObject([
      { id: 'before', nonce: 0, status: 'Mined' },
      { id: 'new', nonce: 2, status: 'Mined' },
    ])
  })

  test('an operator without funds gets an error', async () => {
    const account = `0x${'5'.repeat(64)}` as Hex
    const { deposit, rows } = await operator({ operatorKey: account })
    await expect(deposit('k')).rejects.toMatchObject({ code: 'no-funds' })
    expect(await rows()).toEqual([])
  })
})

test('an RPC that does not answer, or that leads to another chain, is an error that names RPC_URL', async () => {
  const db = await freshDatabase()
  await expect(operator({ db, rpcUrl: `http://127.0.0.1:${await freePort()}` })).rejects.toThrow(
    /^RPC_URL: no chain answers/,
  )
  await expect(operator({ db, deployment: { ...deployment, chainId: 1 } })).rejects.toThrow(ChainMismatchError)
})
