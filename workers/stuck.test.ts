import { setTimeout as sleep } from 'node:timers/promises'
import { type Hex, toHex } from 'viem'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { rpc } from '#contracts/anvil.ts'
import { openChainClient } from './chain.ts'
import { hashesOf } from './signedTransactions.ts'
import { type TestNetwork, testNetwork } from './test/operator.ts'
import { rpcProxy } from './test/rpcProxy.ts'
import { transactInBatches } from './transactInBatches.ts'

/** What must not keep an operator's transactions from being mined: rising fees, a node that loses them, calls that no block can take, an empty
 *  account. */

let network: TestNetwork
beforeAll(async () => {
  network = await testNetwork()
})
afterAll(() => network.anvil.stop())

const setBaseFee = (wei: bigint) => rpc(network.anvil.url, 'anvil_setNextBlockBaseFeePerGas', [toHex(wei)])
const gwei = (amount: number) => BigInt(amount) * 10n ** 9n
const inPool = (hash: string) =>
  vi.waitFor(async () => expect(await rpc(network.anvil.url, 'eth_getTransactionByHash', [hash])).not.toBeNull(), {
    timeout: 10_000,
  })

async function setBlockGasLimit(gas: number) {
  await rpc(network.anvil.url, 'evm_setBlockGasLimit', [toHex(gas)])
  await network.mine()
  onTestFinished(async () => {
    await rpc(network.anvil.url, 'evm_setBlockGasLimit', [toHex(60_000_000)])
    await network.mine()
  })
}

/** Mines blocks at a low base fee until `work` is done. */
async function mineUntil<T>(work: Promise<T>): Promise<T> {
  let isDone = false
  work.finally(() => (isDone = true)).catch(() => {})
  while (!isDone) {
    await setBaseFee(gwei(1))
    await network.mine()
    await sleep(100)
  }
  return work
}

type Operator = Awaited<ReturnType<TestNetwork['operator']>>
const signed = (chain: Operator['chain'], key: string) =>
  vi.waitFor(async () => {
    const transaction = await chain.signedTransaction(key)
    if (!transaction) throw new Error('not signed yet')
    return transaction.hash
  })
const journalOf = async ({ db }: Operator, key: string) =>
  (await db.query('select id, nonce, hash, raw, replaced, status, error from chain_transaction where id = $1', [key]))
    .rows[0]

describe('a transaction whose fee is too low', () => {
  test('is replaced when the base fee rises above it, and happens once', async () => {
    const operator = await network.operator()
    const { deposit, chain, balance } = operator
    await network.manually()
    const made = deposit('k')
    const first = await signed(chain, 'k')
    await inPool(first)
    await setBaseFee(gwei(50))
    await network.mine() // without it: it offers less
    expect(await balance()).toBe(0n)
    const second = await vi.waitFor(
      async () => {
        const hash = await signed(chain, 'k')
        expect(hash).not.toBe(first)
        return hash
      },
      { timeout: 10_000 },
    )
    await inPool(second)
    await setBaseFee(gwei(50))
    await network.mine()
    expect((await made).transactionHash).toBe(second)
    expect(await balance()).toBe(7n)
    expect(await journalOf(operator, 'k')).toMatchObject({
      status: 'Mined',
      hash: second,
      replaced: [expect.any(String)],
    })
    expect((await deposit('k')).transactionHash).toBe(second)
    expect(await balance()).toBe(7n)
  })

  test('waits at the maximum, and goes on when the base fee has fallen', async () => {
    const said: object[] = []
    const log = { warn() {}, info() {}, error: (line: object) => said.push(line) } as never
    const operator = await network.operator({ maxFee: gwei(20), log })
    const { deposit, chain } = operator
    await network.manually()
    await setBaseFee(gwei(15))
    await network.mine()
    const made = deposit('k')
    await inPool(await signed(chain, 'k'))
    await setBaseFee(gwei(40))
    await network.mine()
    await vi.waitFor(() => expect(said).toEqual([{ key: 'k', nonce: 0 }]), { timeout: 10_000 })
    await expect(deposit('another')).rejects.toMatchObject({
      code: 'fee-too-high',
      message: expect.stringMatching(/^MAX_FEE_GWEI: the chain asks 4\d(\.\d+)? gwei/),
    })
    await mineUntil(made)
    expect((await operator.rows()).map(({ id }) => id)).toEqual(['k'])
    expect(said).toHaveLength(1)
  })

  test('is replaced when blocks are mined without it, however the node answers', async () => {
    const proxy = await rpcProxy(network.anvil.url)
    const operator = await network.operator({ rpcUrl: proxy.url, replaceAfterMs: 500 })
    const { deposit, chain, balance } = operator
    proxy.state.mode = 'lose'
    const made = deposit('k')
    const first = await signed(chain, 'k')
    await network.mine(3)
    await vi.waitFor(async () => expect(proxy.state.received).toBeGreaterThan(0))
    await vi.waitFor(
      async () => {
        await network.mine(3)
        expect(await signed(chain, 'k')).not.toBe(first)
      },
      { timeout: 15_000, interval: 200 },
    )
    proxy.state.mode = 'pass'
    await made
    expect(await balance()).toBe(7n)
  })

  test('may be mined itself after it was replaced: then that is what its key means', async () => {
    const proxy = await rpcProxy(network.anvil.url)
    const operator = await network.operator({ rpcUrl: proxy.url })
    const { deposit, chain, balance } = operator
    await network.manually()
    const made = deposit('k')
    const first = await signed(chain, 'k')
    await inPool(first)
    proxy.state.mode = 'lose' // the node never has the replacement
    await setBaseFee(gwei(50))
    await network.mine()
    await vi.waitFor(async () => expect(await signed(chain, 'k')).not.toBe(first), { timeout: 10_000 })
    await setBaseFee(gwei(1))
    await network.mine()
    const { replaced } = await journalOf(operator, 'k')
    await rpc(network.anvil.url, 'eth_sendRawTransaction', replaced) // another node still had it
    expect((await mineUntil(made)).transactionHash).toBe(first)
    expect(await balance()).toBe(7n)
    const row = await journalOf(operator, 'k')
    expect(row).toMatchObject({ status: 'Mined', hash: first })
    expect(hashesOf(row)).toHaveLength(2)
  })

  test('that was replaced and mined after a backup: the restored journal finds it on the chain and sends nothing', async () => {
    const operator = await network.operator()
    const { deposit, chain, balance, db } = operator
    await network.manually()
    const made = deposit('k')
    const first = await signed(chain, 'k')
    await inPool(first)
    await setBaseFee(gwei(50))
    await network.mine()
    await vi.waitFor(async () => expect(await signed(chain, 'k')).not.toBe(first), { timeout: 10_000 })
    const { transactionHash } = await mineUntil(made)
    await network.mine(9)
    const [raw] = (await journalOf(operator, 'k')).replaced
    await db.query(`update chain_transaction set raw = $1, hash = $2, replaced = null, status = 'Sent'`, [raw, first])
    expect((await deposit('k')).transactionHash).toBe(transactionHash)
    expect(await balance()).toBe(7n)
    expect(await journalOf(operator, 'k')).toMatchObject({ hash: transactionHash, status: 'Mined' })
  })

  test('that was replaced by a process which was killed before it sent it: another process sends it', async () => {
    const proxy = await rpcProxy(network.anvil.url)
    const operator = await network.operator({ rpcUrl: proxy.url })
    const { deposit, chain, balance, options } = operator
    await network.manually()
    const stop = new AbortController()
    const made = deposit('k', 7n, stop.signal)
    made.catch(() => {})
    const first = await signed(chain, 'k')
    await inPool(first)
    proxy.state.mode = 'lose' // what it sends from now on never arrives
    await setBaseFee(gwei(50))
    await network.mine()
    await vi.waitFor(async () => expect(await signed(chain, 'k')).not.toBe(first), { timeout: 10_000 })
    stop.abort()
    const again = await openChainClient({ ...options, rpcUrl: network.anvil.url })
    expect(await again.rebroadcast()).toBe(1)
    await inPool(await signed(chain, 'k'))
    await setBaseFee(gwei(50))
    await network.mine()
    await vi.waitFor(async () => expect(await balance()).toBe(7n))
  })
})

describe('a node that has the transaction, and answers with an error', () => {
  test.each([
    'already known', // geth, reth, Erigon
    'transaction already imported', // anvil
    'nonce too low: next nonce 1, tx nonce 0', // geth, reth
    'nonce too low', // Erigon, anvil
    'replacement transaction underpriced', // geth, reth, anvil
    'INTERNAL_ERROR: could not replace existing tx', // Erigon
    'a wording of a node to come',
  ])('“%s”: it happens once', async (says) => {
    const proxy = await rpcProxy(network.anvil.url)
    const { deposit, balance, rows } = await network.operator({ rpcUrl: proxy.url })
    Object.assign(proxy.state, { mode: 'refuse', says })
    await deposit('k')
    expect(await balance()).toBe(7n)
    expect(await rows()).toMatchObject([{ id: 'k', nonce: 0, status: 'Mined' }])
  })

  test('two workers that replace the same transaction at once agree on one', async () => {
    const proxy = await rpcProxy(network.anvil.url)
    const { deposit, chain, balance, rows, options } = await network.operator({
      rpcUrl: proxy.url,
      replaceAfterMs: 300,
    })
    const other = await openChainClient(options)
    proxy.state.mode = 'lose'
    const call = { contract: 'GOpen', functionName: 'deposit', args: [], value: 7n } as const
    const both = [deposit('k'), other.transact('k', call)]
    const first = await signed(chain, 'k')
    await vi.waitFor(
      async () => {
        await network.mine(3)
        expect(await signed(chain, 'k')).not.toBe(first)
      },
      { timeout: 15_000, interval: 200 },
    )
    proxy.state.mode = 'pass'
    const [one, two] = await Promise.all(both)
    expect(one?.transactionHash).toBe(two?.transactionHash)
    expect(await balance()).toBe(7n)
    expect(await rows()).toMatchObject([{ id: 'k', nonce: 0, status: 'Mined' }])
  })
})

describe('a call that needs too much gas', () => {
  const people = Array.from({ length: 222 }, (_, i) => toHex(i + 1, { size: 20 }))
  const settle = ({ chain }: Operator, items: readonly Hex[], maxItems = 500) =>
    transactInBatches(chain, {
      items,
      maxItems,
      key: (batch, start) => `reputation:${start}+${batch.length}`,
      send: (key, batch) =>
        chain.transact(key, {
          contract: 'FeedbackPool',
          functionName: 'updateReputation',
          args: [batch, 'general', batch.map(() => 1), batch.map(() => 1)],
        }),
    })

  test('is cut until its parts fit, in the same parts at each attempt', async () => {
    const operator = await network.operator({ settler: true })
    await setBlockGasLimit(500_000)
    const receipts = await settle(operator, people)
    expect(receipts.length).toBeGreaterThan(3)
    expect(receipts.flatMap(({ events }) => events)).toHaveLength(people.length)
    for (const { gasUsed } of receipts) expect(gasUsed).toBeLessThan(250_000n)
    const before = await operator.rows()
    await rpc(network.anvil.url, 'evm_setBlockGasLimit', [toHex(60_000_000)])
    await network.mine()
    const again = await settle(operator, people) // now all would fit at once
    expect(again.map(({ transactionHash }) => transactionHash)).toEqual(
      receipts.map(({ transactionHash }) => transactionHash),
    )
    expect(await operator.rows()).toEqual(before)
  })

  test('fails at once and takes no nonce when it cannot be cut', async () => {
    const operator = await network.operator({ settler: true })
    await setBlockGasLimit(60_000)
    const before = (await operator.rows()).length
    await expect(settle(operator, people.slice(0, 1))).rejects.toMatchObject({
      name: 'GasLimitError',
      message: expect.stringMatching(
        /^FeedbackPool.updateReputation needs \d+ gas; a transaction may use 30000 on this chain/,
      ),
    })
    expect(await operator.rows()).toHaveLength(before)
  })

  test('that is signed already, and that no block can take any more, is cancelled: those behind it are mined', async () => {
    const proxy = await rpcProxy(network.anvil.url)
    const operator = await network.operator({ settler: true, rpcUrl: proxy.url })
    proxy.state.mode = 'swallow'
    const lost = settle(operator, people)
    lost.catch(() => {})
    await vi.waitFor(async () => expect(await operator.rows()).toHaveLength(1), { timeout: 10_000 })
    const stop = new AbortController()
    const behind = operator.deposit('behind', 7n, stop.signal)
    behind.catch(() => {})
    await vi.waitFor(async () => expect(await operator.rows()).toHaveLength(2), { timeout: 10_000 })
    stop.abort()
    await setBlockGasLimit(500_000)
    const again = await openChainClient({ ...operator.options, rpcUrl: network.anvil.url })
    await again.rebroadcast()
    await vi.waitFor(async () => expect(await operator.balance()).toBe(7n), { timeout: 10_000 })
    const rows = await operator.rows()
    expect(rows.find(({ id }) => id === 'reputation:0+222')).toMatchObject({ status: 'Cancelled' })
    expect(rows.find(({ id }) => id.startsWith('gap-'))).toMatchObject({ nonce: rows[0].nonce })
    const receipts = await settle({ ...operator, chain: again }, people)
    expect(receipts.flatMap(({ events }) => events)).toHaveLength(people.length)
  })
})

describe('an account without funds', () => {
  const setBalance = (address: string, wei: bigint) => rpc(network.anvil.url, 'anvil_setBalance', [address, toHex(wei)])

  test('takes no nonce; with funds it goes on', async () => {
    const { chain, account, rows, deposit } = await network.operator()
    await deposit('funded', 7n)
    await setBalance(account.address, 1000n)
    const give = () =>
      chain.transact('give', { contract: 'GOpen', functionName: 'approve', args: [account.address, 1n] })
    await expect(give()).rejects.toMatchObject({
      code: 'no-funds',
      message: expect.stringMatching(/^OPERATOR_KEY: 0x/),
    })
    expect((await rows()).map(({ id }) => id)).toEqual(['funded'])
    await setBalance(account.address, 10n ** 18n)
    await give()
    expect((await rows()).map(({ id, status }) => `${id} ${status}`)).toEqual(['funded Mined', 'give Mined'])
  })

  test('after signing: the transaction is sent as soon as there are funds', async () => {
    const proxy = await rpcProxy(network.anvil.url)
    const { account, rows, deposit, options, balance } = await network.operator({ rpcUrl: proxy.url })
    proxy.state.mode = 'swallow'
    const stop = new AbortController()
    deposit('k', 7n, stop.signal).catch(() => {})
    await vi.waitFor(async () => expect(await rows()).toHaveLength(1))
    stop.abort()
    await setBalance(account.address, 0n)
    const again = await openChainClient({ ...options, rpcUrl: network.anvil.url })
    await expect(again.rebroadcast()).rejects.toMatchObject({ code: 'no-funds' })
    await setBalance(account.address, 10n ** 18n)
    await again.rebroadcast()
    await vi.waitFor(async () => expect(await balance()).toBe(7n))
  })
})
