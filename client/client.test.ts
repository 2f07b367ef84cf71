import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, parseEther, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import { judgementCommitment, openRound } from '#contracts/test/judge.ts'
import { version } from '#contracts/test/mandate.ts'
import { hashOf, OPERATOR } from '#contracts/test/world.ts'
import { until } from '#indexer/test/follow.ts'
import { commitment, contentHash, contentsHash } from '#rules/sample.ts'
import {
  balanceOf,
  type ConnectOptions,
  commitJudgement,
  connect,
  contribute,
  createDatanet,
  delegate,
  deposit,
  drawSeats,
  graphql,
  listContributions,
  listDatanets,
  memoryState,
  revealJudgement,
  stake,
  stakeAsValidator,
  unwrap,
  waitForBlock,
  wrap,
} from './index.ts'
import { fileState } from './node.ts'
import { clientSystem } from './test/clientSystem.ts'
import { contents } from './test/contents.ts'

test('a stranger with a new key wraps, locks and so gets votes, stakes and unwraps; the index has each when it returns', async () => {
  const { as, world, modelId, url } = await clientSystem()
  const account = privateKeyToAccount(generatePrivateKey())
  await world.rpc('anvil_setBalance', [account.address, '0x56bc75e2d63100000'])
  const steps: string[] = []
  const client = await connect(url, {
    account,
    pollMs: 10,
    onProgress: ({ act, step }) => void steps.push(`${act}: ${step}`),
  })
  await wrap(client, parseEther('10'))
  await delegate(client, { to: account.address, lock: parseEther('3') })
  await stake(client, { modelId, amount: parseEther('2') })
  await unwrap(client, parseEther('1'))
  const { gOpen, locked, votes } = await balanceOf(client, account.address)
  expect([gOpen, locked, votes]).toEqual([parseEther('4'), parseEther('3'), parseEther('3')])
  expect(steps).toContain('stake: GOpen.approve')
  expect(await world.read('GOpen', 'allowance', [account.address, world.at.ModelRegistry])).toBe(0n)
  const datanetId = await createDatanet(client, { modelId, licence: 'CC0-1.0', minStake: 5n, comparison: 'code' })
  expect((await listDatanets(await as())).at(-1)).toMatchObject({ id: datanetId.toString(), minStake: '5' })
})

test('errors say what happened and what to do: too little, refused by a contract, no account, another chain, no such API', async () => {
  const { as, url, world, modelId } = await clientSystem()
  const poor = await connect(url, { account: privateKeyToAccount(generatePrivateKey()), pollMs: 10 })
  await expect(wrap(poor, 1n)).rejects.toThrow(/too few native tokens/)
  await expect(stake(poor, { modelId, amount: parseEther('1') })).rejects.toThrow(
    /has 0 gOPEN, and this takes 1. Wrap at least 1/,
  )
  const alice = await as(4)
  await expect(stake(alice, { modelId: 99n, amount: 1n })).rejects.toThrow(
    'ModelRegistry.stake is refused: No model has this id. Look at the list of models for its id. (UnknownModel: modelId 99)',
  )
  await expect(unwrap(alice, parseEther('5000'))).rejects.toThrow(
    /The account has too little gOPEN. Wrap native tokens first \(wrap\). \(ERC20InsufficientBalance: .*balance 1000 gOPEN, needed 5000 gOPEN\)/,
  )
  await expect(wrap(await as(), 1n)).rejects.toThrow(/needs an account/)
  await expect(deposit(alice, { endpointId: 7n, amount: 1n })).rejects.toThrow(/There is no endpoint 7/)
  await expect(connect(url, { node: url })).rejects.toThrow(/The node of the chain does not answer/)
  await expect(connect('http://127.0.0.1:9', { patienceMs: 0 })).rejects.toThrow(
    /does not answer. Is the address right/,
  )
  await world.rpc('anvil_setChainId', [5])
  await expect(as(4)).rejects.toThrow(/The node is on chain 5, but the contracts of this API are on chain 31337/)
})

test('samples are given once, in order of commitment, also when asked for again, by a relay too', async () => {
  const { as, world, modelId } = await clientSystem()
  const owner = await as(2)
  const datanetId = await createDatanet(owner, { modelId, licence: 'CC0-1.0', minStake: 7n })
  const alice = await as(4, { state: memoryState() })
  const samples = contents('parcel', 90)
  const first = await contribute(alice, { datanetId, samples: [...samples, ...samples.slice(0, 3)] })
  expect([first.submitted, first.ids.size]).toEqual([90, 90])
  const again = await contribute(alice, { datanetId, samples: contents('parcel', 92) })
  expect([again.submitted, again.ids.size]).toEqual([2, 92])
  const rows = await listContributions(alice, { datanetId })
  expect(rows).toHaveLength(92)
  expect(rows.every(({ stake, status }) => stake === (10n ** 15n).toString() && status === 'Submitted')).toBe(true)

  const [bob, relay] = [await as(5), await as(9)]
  const sentBy = (nth: number) => world.client.getTransactionCount({ address: devAccount(nth).address })
  const [bobs, relays] = [await sentBy(5), await sentBy(9)]
  const relayed = await contribute(bob, { datanetId, samples: contents('refund', 41), relay })
  expect(relayed.submitted).toBe(41)
  expect((await listContributions(bob, { datanetId })).length).toBe(41)
  expect(await sentBy(5)).toBe(bobs) // it only signs
  expect((await sentBy(9)) - relays).toBe(4) // two batches, each committed to and submitted
})

test('a dry run says what would be sent and what it costs, and sends nothing', async () => {
  const { as, modelId, world } = await clientSystem()
  const client = await as(4, { dryRun: true })
  const head = await world.client.getBlockNumber({ cacheTime: 0 })
  await stake(client, { modelId, amount: 10n })
  expect(client.plan?.map(({ step }) => step)).toEqual(['ModelRegistry.stake'])
  expect(client.plan?.[0]?.gas).toBeGreaterThan(21_000n)
  expect(client.plan?.[0]?.cost).toBeGreaterThan(0n)
  expect(await world.client.getBlockNumber({ cacheTime: 0 })).toBe(head)
})

test('a state file that is half written gives an error that says what to do, and one that is in use, too', async () => {
  const { as, folder } = await clientSystem()
  const file = join(folder, 'state.json')
  const client = await as(4, { state: fileState(file) })
  await wrap(client, 5n)
  const whole = await readFile(file, 'utf8')
  expect(JSON.parse(whole).values).toEqual({}) // what is finished leaves nothing
  await writeFile(file, whole.slice(0, -3))
  await expect(wrap(client, 5n)).rejects.toThrow(/is damaged or of another release .* put back a copy of it/)
  await writeFile(file, whole)
  await writeFile(`${file}.lock`, '1')
  await expect(wrap(client, 5n)).rejects.toThrow(/Process 1 uses this state/)
})

test('while the API is away an act waits, and goes on when it is back', async () => {
  const { as, stopApi, startApi } = await clientSystem()
  const client = await as(4, { onProgress: ({ step }) => void (step === 'waiting for the index' && waiting()) })
  let waiting = () => {}
  const waits = new Promise<void>((resolve) => {
    waiting = resolve
  })
  await stopApi()
  const wrapped = wrap(client, 5n)
  await waits
  await startApi()
  await wrapped
  const impatient = await as(4, { patienceMs: 0 })
  await stopApi()
  await expect(wrap(impatient, 5n)).rejects.toThrow(/The API at .* does not answer/)
})

test('a transaction that another program put in the place of ours is told apart from one that is only late', async () => {
  const { as, world } = await clientSystem()
  const kept: Record<string, string> = {}
  const state = { ...memoryState(), write: async (key: string, value: string) => void (kept[key] = value) }
  await world.rpc('evm_setAutomine', [false])
  const client = await as(4, { state, doneWhen: 'mined' })
  const wrapped = wrap(client, 5n)
  wrapped.catch(() => {})
  await until('it is sent', async () => Object.values(kept).some((text) => text.includes('"raw"')))
  const { address } = devAccount(4)
  await world.rpc('anvil_dropAllTransactions', [])
  await world.rpc('eth_sendTransaction', [{ from: address, to: address, value: '0x1' }])
  await world.rpc('anvil_mine', ['0x1'])
  await expect(wrapped).rejects.toThrow(/Another transaction of 0x15d34AAf.* took the place of/)
})

test('two programs that use one account at the same time each send their act once', async () => {
  const { world, url } = await clientSystem()
  const account = devAccount(4)
  const before = await world.balance(account.address)
  const client = await connect(url, { account, pollMs: 10 })
  const { getTransactionCount } = client.node
  let raced = 0
  client.node.getTransactionCount = async (args) => {
    const nonce = await getTransactionCount(args)
    if (args.blockTag === 'pending' && raced++ < 2) await world.send(account, 'GOpen', 'deposit', [], 7n) // the other one is faster
    return nonce
  }
  await wrap(client, 5n)
  expect((await world.balance(account.address)) - before).toBe(19n)
  expect(raced).toBe(3)
})

test('a wallet that signs and sends in one step is asked again with the same nonce, and what it sent is found', async () => {
  const { as, world, url } = await clientSystem()
  const { address } = devAccount(4)
  let crash = true
  const wallet = {
    async request({ method, params }: { method: string; params?: unknown }) {
      if (method === 'eth_requestAccounts') return [address]
      const answer = await world.rpc(method, (params ?? []) as unknown[])
      if (method !== 'eth_sendTransaction' || !crash) return answer
      crash = false
      throw new Error('the page was closed')
    },
  } as unknown as NonNullable<ConnectOptions['wallet']>
  const client = await connect(url, { wallet, state: memoryState(), pollMs: 10 })
  const before = await world.balance(address)
  await expect(wrap(client, 5n)).rejects.toThrow(/the node does not take the call/)
  await wrap(client, 5n)
  expect((await world.balance(address)) - before).toBe(5n)
  expect((await as()).wallet).toBeUndefined()
})

/** A contract wallet as it stands behind EIP-5792: it takes each id once, and its owners sign later. */
async function contractWallet(world: Awaited<ReturnType<typeof clientSystem>>['world'], address: Address) {
  await world.rpc('anvil_impersonateAccount', [address])
  const owner = { signs: true, refuses: false }
  const bundles = new Map<string, { calls: { to: string; data: string; value?: string }[]; hash?: string }>()
  const fail = (code: number, message: string) => Promise.reject(Object.assign(new Error(message), { code }))
  const wallet = {
    async request({ method, params = [] }: { method: string; params?: unknown[] }) {
      if (method === 'eth_requestAccounts') return [address]
      if (method === 'wallet_sendCalls') {
        const [{ id, calls }] = params as [{ id: string; calls: never[] }]
        if (owner.refuses) return fail(4001, 'User rejected')
        if (bundles.has(id)) return fail(5720, 'Duplicate ID')
        bundles.set(id, { calls })
        return { id }
      }
      if (method === 'wallet_getCallsStatus') {
        const found = bundles.get(String(params[0]))
        if (!found) return fail(5730, 'Unknown bundle id')
        const [call] = found.calls
        if (owner.signs && call)
          found.hash ??= (await world.rpc('eth_sendTransaction', [{ from: address, ...call }])) as string
        const receipt = found.hash && (await world.rpc('eth_getTransactionReceipt', [found.hash]))
        return { version: '2.0.0', id: params[0], status: receipt ? 200 : 100, receipts: receipt ? [receipt] : [] }
      }
      return world.rpc(method, params)
    },
  } as unknown as NonNullable<ConnectOptions['wallet']>
  return { wallet, owner, bundles }
}

test('a contract wallet sends an act once, whenever its owners sign; who refuses has sent nothing', async () => {
  const { world, url } = await clientSystem()
  const { address } = devAccount(4)
  const { wallet, owner, bundles } = await contractWallet(world, address)
  const state = memoryState()
  const stop = new AbortController()
  const client = await connect(url, { wallet, state, pollMs: 10, signal: stop.signal })
  await world.rpc('anvil_setCode', [address, '0x00']) // takes what it is sent
  const before = await world.balance(address)

  owner.refuses = true
  await expect(wrap(client, 5n)).rejects.toThrow('refused to sign')
  expect(bundles.size).toBe(0)
  owner.refuses = false
  owner.signs = false
  const waiting = wrap(client, 5n)
  await until('the bundle is there', () => bundles.size === 1)
  stop.abort(new Error('the page was closed'))
  await expect(waiting).rejects.toThrow()
  owner.signs = true
  await wrap(await connect(url, { wallet, state, pollMs: 10 }), 5n)
  expect(bundles.size).toBe(1)
  expect((await world.balance(address)) - before).toBe(5n)
})

test('a contract wallet that takes no bundles is told so, and sends nothing; a plain account that has delegated does', async () => {
  const { world, url } = await clientSystem()
  const { address } = devAccount(4)
  let asked = 0
  const wallet = {
    async request({ method, params }: { method: string; params?: unknown }) {
      if (method === 'eth_requestAccounts') return [address]
      if (method === 'eth_sendTransaction') asked++
      if (method === 'wallet_sendCalls') throw Object.assign(new Error('Method not found'), { code: -32601 })
      return world.rpc(method, (params ?? []) as unknown[])
    },
  } as unknown as NonNullable<ConnectOptions['wallet']>
  const client = await connect(url, { wallet, pollMs: 10 })
  await world.rpc('anvil_setCode', [address, '0x6001'])
  await expect(wrap(client, 5n)).rejects.toThrow(/is a contract wallet \(such as a Safe\)/)
  expect(asked).toBe(0)
  await world.rpc('anvil_setCode', [address, `0xef0100${'11'.repeat(20)}`])
  await wrap(client, 5n)
  expect(asked).toBe(1)
})

test('an act that is done when it is final ends when its block is final in the index, and not before', async () => {
  const { as, world } = await clientSystem()
  const steps: string[] = []
  const client = await as(4, { doneWhen: 'final', onProgress: ({ step }) => void steps.push(step) })
  let ended = false
  const wrapped = wrap(client, 5n).then(() => {
    ended = true
  })
  await until('it waits', () => steps.includes('waiting until it is final'))
  const block = await world.client.getBlockNumber({ cacheTime: 0 })
  await waitForBlock(client, block)
  await sleep(200)
  expect(ended).toBe(false)
  await world.mine(100)
  await wrapped
  const { _meta } = await client.ask(graphql('{ _meta { finalBlock } }'))
  expect(BigInt(_meta.finalBlock ?? 0)).toBeGreaterThanOrEqual(block)
})

test('a validator commits, and reveals in another process with the same state; without it the salts are missing', async () => {
  const { as, world, modelId, folder } = await clientSystem()
  const versionId = await version(world, modelId, OPERATOR.address)
  const state = fileState(join(folder, 'judge.json'))
  const alice = await as(4, { state })
  await stakeAsValidator(alice, parseEther('10'))
  const first = await openRound(world, modelId, versionId, { count: 2 })
  const judged = { ethics: 90, logic: 80, functional: 70, confidence: 60 }
  const tasks = [first, first + 1n]
  await commitJudgement(alice, [
    { taskId: first, choice: 1, ...judged },
    { taskId: first + 1n, choice: 2, ...judged },
  ])
  await expect(revealJudgement(alice, tasks)).rejects.toThrow(/FeedbackPool.reveal is refused: .*RevealsNotOpen/)
  await world.warp(101)
  await expect(revealJudgement(await as(4), tasks)).rejects.toThrow(/has no judgement of task 1: .* Use the state file/)
  await revealJudgement(await as(4, { state: fileState(join(folder, 'judge.json')) }), tasks)
  expect(JSON.parse(await readFile(join(folder, 'judge.json'), 'utf8')).values).toEqual({})
})

test('anybody draws the seats of a round that its workers left alone', async () => {
  const { as, world, modelId } = await clientSystem()
  const versionId = await version(world, modelId, OPERATOR.address)
  await openRound(world, modelId, versionId)
  const roundId = await world.read('FeedbackPool', 'roundCount', [])
  await world.mine(300)
  await drawSeats(await as(5), roundId)
  const { seed, seedBlock } = await world.read('FeedbackPool', 'getRound', [roundId])
  expect(seed).toBe(zeroHash)
  await world.mine(2)
  await drawSeats(await as(5), roundId)
  const drawn = await world.read('FeedbackPool', 'getRound', [roundId])
  expect(drawn.seed).toBe((await world.client.getBlock({ blockNumber: BigInt(seedBlock) })).hash)
})

test('a caller may give the source of salts: then what is committed can be computed beforehand; by default it cannot', async () => {
  const { as, world, modelId } = await clientSystem()
  const versionId = await version(world, modelId, OPERATOR.address)
  const datanetId = await createDatanet(await as(2), { modelId, licence: 'CC0-1.0', minStake: 7n })
  const subjects: string[] = []
  const newSecret = (subject: string) => {
    subjects.push(subject)
    return hashOf(subject)
  }
  const alice = await as(4, { newSecret })
  const { address } = devAccount(4)
  const samples = contents('parcel', 2)
  const given = { datanetId, contributor: address, contentsHash: contentsHash(samples.map(contentHash)) }
  const subject = `salt of ${address} in datanet ${datanetId} for ${given.contentsHash}`
  await contribute(alice, { datanetId, samples })
  const salted = (hash: `0x${string}`) => commitment({ ...given, salt: hash })
  const committedAt = (account: typeof address, one: `0x${string}`) =>
    world.read('DatanetRegistry', 'committedAt', [account, one])
  expect(await committedAt(address, salted(hashOf(subject)))).toBeGreaterThan(0n)

  await stakeAsValidator(alice, parseEther('10'))
  const taskId = await openRound(world, modelId, versionId)
  const judgement = { taskId, choice: 1 as const, ethics: 90, logic: 80, functional: 70, confidence: 60 }
  const before = await world.client.getBlockNumber({ cacheTime: 0 })
  await commitJudgement(alice, [judgement])
  const logs = await world.client.getLogs({ address: world.at.FeedbackPool, fromBlock: before + 1n })
  const expected = judgementCommitment(address, { ...judgement, salt: hashOf(`salt of ${address} for task ${taskId}`) })
  expect(logs.some(({ data, topics }) => [data, ...topics].join().includes(expected.slice(2)))).toBe(true)
  expect(subjects).toEqual([subject, `salt of ${address} for task ${taskId}`])

  const [one, other] = [await as(5), await as(5)]
  expect(new Set([one.newSecret(subject), one.newSecret(subject), other.newSecret(subject)]).size).toBe(3)
})
