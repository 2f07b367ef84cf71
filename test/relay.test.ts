import { encodeFunctionData, type Hex, parseEther, toHex, zeroAddress } from 'viem'
import type { LocalAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Client, castVote, claim, contribute, createDatanet, delegate, wrap } from '#client/index.ts'
import { contents } from '#client/test/contents.ts'
import { finalMap } from '#client/test/finalMap.ts'
import { contracts } from '#contracts/events.ts'
import { openVote, propose } from '#contracts/test/mandate.ts'
import { ALICE, OPERATOR, STRANGER } from '#contracts/test/world.ts'
import { delegationData, permitData } from '#rules/signing.ts'
import { enqueue, findJob } from '#schema/enqueue.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RelayedAct } from '#schema/offchain/relay.ts'
import { insertAll } from './factory.ts'
import { RELAYER, type RelayingSystem, relayingSystem, setNative } from './relayingSystem.ts'

/** Acts that are relayed for accounts without gas, and what strangers try so that the relayer pays for nothing. */

let system: RelayingSystem
const stops: (() => Promise<void>)[] = []
beforeAll(async () => {
  system = await relayingSystem((stop) => stops.unshift(stop))
})
afterAll(async () => {
  for (const stop of stops) await stop()
})
beforeEach(() => system.db.query(`update relayed_act set created_at = created_at - interval '25 hours'`))

/** A client of an account without native tokens, by its own key of the API. */
const relayed = async (account: LocalAccount): Promise<Client> =>
  system.as(undefined, { account, relay: true, apiKey: await system.keyOf(account.address) })

const native = (account: LocalAccount) => system.world.client.getBalance({ address: account.address })

interface Request {
  account: Hex
  call: string
  data: Hex
}

/** A system with other limits, which takes the place of the common one until the end of the test. */
async function inSystem(limits: Parameters<typeof relayingSystem>[1]) {
  const [common, own] = [system, await relayingSystem(onTestFinished, limits)]
  system = own
  onTestFinished(() => {
    system = common
  })
  return own
}

let keys = 0
/** Asks for a call to be relayed. */
async function ask(input: Request, apiKey: string | undefined, key = `key ${keys++}`) {
  const response = await fetch(`${system.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
    body: JSON.stringify({
      query: 'mutation ($input: RelayInput!, $key: String!) { relay(input: $input, idempotencyKey: $key) { id } }',
      variables: { input, key },
    }),
  })
  const { data, errors } = (await response.json()) as {
    data?: { relay: { id: string } | null }
    errors?: { extensions: { code: string } }[]
  }
  return { id: data?.relay?.id ?? '', code: errors?.[0]?.extensions.code }
}

const ended = (id: string) =>
  vi.waitFor(
    async () => {
      const job = await findJob(system.db, id)
      if (!job.finishedAt) throw new Error(`${id} is ${job.status}`)
      return job
    },
    { timeout: 30_000, interval: 20 },
  )

/** Asks, and waits for the end of the job. */
async function relay(input: Request) {
  const { id, code } = await ask(input, await system.keyOf(input.account))
  if (code) return { status: code, error: null, result: null }
  const { status, error, result } = await ended(id)
  return { status, error, result }
}

const refused = async (input: Request, code: string) => {
  const before = await system.sent()
  expect(await relay(input)).toMatchObject({ status: 'Failed', error: { code } })
  expect(await system.sent()).toBe(before)
}

const splitOf = (signature: Hex) =>
  [
    Number.parseInt(signature.slice(130), 16),
    signature.slice(0, 66) as Hex,
    `0x${signature.slice(66, 130)}` as Hex,
  ] as const

const LATE = 4_000_000_000n

async function delegation(account: LocalAccount, delegatee: Hex, expiry = LATE): Promise<Request> {
  const { deployment, at } = system.world
  const nonce = await system.world.read('GOpen', 'nonces', [account.address])
  const place = { chainId: deployment.chainId, contract: at.GOpen }
  const signature = await account.signTypedData(delegationData(place, { delegatee, nonce, expiry }))
  const args = [delegatee, nonce, expiry, ...splitOf(signature)] as const
  const data = encodeFunctionData({ abi: contracts.GOpen.abi, functionName: 'delegateBySig', args })
  return { account: account.address, call: 'GOpen.delegateBySig', data }
}

async function permitOf(account: LocalAccount, spender: Hex, value = 1n): Promise<Request> {
  const { deployment, at } = system.world
  const nonce = await system.world.read('GOpen', 'nonces', [account.address])
  const place = { chainId: deployment.chainId, contract: at.GOpen }
  const message = { owner: account.address, spender, value, nonce, deadline: LATE }
  const signature = await account.signTypedData(permitData(place, message))
  const args = [account.address, spender, value, LATE, ...splitOf(signature)] as const
  const data = encodeFunctionData({ abi: contracts.GOpen.abi, functionName: 'permit', args })
  return { account: account.address, call: 'GOpen.permit', data }
}

/** Gives an account locked gOPEN and then takes its native tokens away. */
async function locked(nth: number, amount = parseEther('2')): Promise<LocalAccount> {
  const { world, person } = system
  const account = await person(nth, amount)
  await setNative(world, account.address, parseEther('1'))
  const client = await system.as(undefined, { account, apiKey: await system.keyOf(account.address) })
  await delegate(client, { to: STRANGER.address, lock: amount })
  await setNative(world, account.address, 0n)
  return account
}

/** Until the test ends, blocks are mined only on request. */
async function manually() {
  await system.world.rpc('evm_setAutomine', [false])
  onTestFinished(async () => {
    await system.world.rpc('evm_setAutomine', [true])
    await system.world.mine()
  })
}

const pending = (from: Hex) =>
  vi.waitFor(
    async () => {
      const block = (await system.world.rpc('eth_getBlockByNumber', ['pending', true])) as {
        transactions: { from: string; hash: Hex; input: Hex }[]
      }
      const found = block.transactions.find((one) => one.from.toLowerCase() === from.toLowerCase())
      if (!found) throw new Error('nothing is pending')
      return found
    },
    { timeout: 20_000, interval: 20 },
  )

/** Mines a stranger's transaction before the one of the relayer that waits. */
async function overtake(to: Hex, data: Hex) {
  const { world } = system
  await world.rpc('anvil_dropTransaction', [(await pending(RELAYER)).hash]) // it is sent again by itself
  await world.rpc('evm_setAutomine', [true])
  await world.rpc('eth_sendTransaction', [{ from: STRANGER.address, to, data, gas: '0x7a120' }])
}

test('a person without gas delegates, votes, gives samples and claims; only the relayer pays', async () => {
  const { world } = system
  const person = await locked(1)
  await world.send(OPERATOR, 'GOpen', 'transfer', [person.address, parseEther('1')])
  const client = await relayed(person)
  const operator = await world.client.getTransactionCount({ address: OPERATOR.address })
  await delegate(client, { to: person.address })
  expect(await world.read('GOpen', 'getVotes', [person.address])).toBe(parseEther('2'))

  const { proposalId, actions } = await propose(world)
  await openVote(world, actions)
  const ballot = { proposalId, support: 'against', reason: 'Too dear.' } as const
  // It ends after its vote was mined, which uses the ballot's nonce.
  const ended = vi.spyOn(client.state, 'remove').mockRejectedValueOnce(new Error('ended here'))
  await expect(castVote(client, ballot)).rejects.toThrow('ended here')
  ended.mockRestore()
  await castVote(client, ballot)
  expect(await world.read('ModelGovernor', 'proposalVotes', [proposalId])).toEqual([parseEther('2'), 0n, 0n])
  const owner = await system.as(2, { apiKey: await system.keyOf(ALICE.address, 'Operator') })
  const datanetId = await createDatanet(owner, { modelId: system.modelId, licence: 'CC0-1.0', minStake: 0n })
  const { submitted } = await contribute(client, { datanetId, samples: contents('relay', 3) })
  expect(submitted).toBe(3)
  expect((await contribute(client, { datanetId, samples: contents('relay', 3) })).submitted).toBe(0)

  await finalMap({ ...system, as: () => system.as(undefined, { apiKey: undefined }) }, [[person.address, 9n]])
  expect(await claim(client)).toBe(9n)
  expect(await claim(client)).toBe(0n)
  expect(await native(person)).toBe(0n)
  expect(await world.client.getTransactionCount({ address: OPERATOR.address })).toBeLessThanOrEqual(operator + 3) // those of this test
})

test('what its contract takes only from the account is refused in words, before anything is signed', async () => {
  const client = await relayed(await system.person(2))
  await expect(wrap(client, 1n)).rejects.toThrow(/GOpen.deposit cannot be relayed: its contract takes it only from/)
  await expect(delegate(client, { to: STRANGER.address, lock: 1n })).rejects.toThrow(/GOpen.lock cannot be relayed/)
})

test('an act that is not mined ends the wait of the client, and is sent once when it is asked for again', async () => {
  const person = await locked(20)
  const client = await relayed(person)
  const before = await system.sent()
  await manually()
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  const limit = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms === 600_000 ? 300 : ms))
  onTestFinished(() => limit.mockRestore())
  await expect(delegate(client, { to: person.address })).rejects.toThrow(/has not sent what you signed for ten minutes/)
  limit.mockRestore()
  await pending(RELAYER)
  await system.world.rpc('evm_setAutomine', [true])
  await system.world.mine()
  await delegate(client, { to: person.address })
  expect(await system.sent()).toBe(before + 1)
})

describe('what could not be sent is signed again when it is asked for again, and happens once:', () => {
  /** The relayer cannot pay until the act has been tried, for which the client waits no longer than a moment; `empty` says since when. */
  async function withoutFunds(work: (empty: () => Promise<void>) => Promise<unknown>) {
    const timeout = AbortSignal.timeout.bind(AbortSignal)
    let isEmpty = false
    const wait = (ms: number) => timeout(ms === 600_000 && isEmpty ? 1_000 : ms)
    const limit = vi.spyOn(AbortSignal, 'timeout').mockImplementation(wait)
    const empty = async () => {
      isEmpty = true
      await setNative(system.world, RELAYER, 0n)
    }
    try {
      await expect(work(empty)).rejects.toThrow(/has not sent what you signed for ten minutes/)
    } finally {
      limit.mockRestore()
    }
  }
  /** The relayer can pay again, when it has refused what it was asked for. */
  async function withFunds() {
    await vi.waitFor(
      async () => {
        const live = await system.db.query(`select id from job_run where kind = 'relay' and finished_at is null`)
        expect(live.rows).toEqual([])
      },
      { timeout: 20_000, interval: 20 },
    )
    await setNative(system.world, RELAYER, parseEther('10'))
  }

  test('a delegation whose deadline is over, or whose nonce another signature has used', async () => {
    const { world } = system
    const person = await locked(30)
    const client = await relayed(person)
    const before = await system.sent()
    await withoutFunds((empty) => empty().then(() => delegate(client, { to: person.address })))
    await world.warp(25 * 3600)
    await withFunds()
    await delegate(client, { to: person.address })
    expect(await world.read('GOpen', 'getVotes', [person.address])).toBe(parseEther('2'))

    await withoutFunds((empty) => empty().then(() => delegate(client, { to: ALICE.address })))
    const { data } = await permitOf(person, world.at.DatanetRegistry)
    await world.rpc('eth_sendTransaction', [{ from: STRANGER.address, to: world.at.GOpen, data, gas: '0x7a120' }])
    await withFunds()
    await delegate(client, { to: ALICE.address })
    expect(await world.read('GOpen', 'delegates', [person.address])).toBe(ALICE.address)
    expect(await system.sent()).toBe(before + 2)
  })

  test('samples whose signature is a day old: under their first salt and commitment', async () => {
    const person = await system.person(31, parseEther('1'))
    const owner = await system.as(2, { apiKey: await system.keyOf(ALICE.address, 'Operator') })
    const datanetId = await createDatanet(owner, { modelId: system.modelId, licence: 'CC0-1.0', minStake: 0n })
    const before = await system.sent()
    let salts = 0
    const client: Client = { ...(await relayed(person)), newSecret: () => toHex(++salts, { size: 32 }) }
    const given = (over: Partial<Client> = {}) =>
      contribute({ ...client, ...over }, { datanetId, samples: contents('day', 3) })
    await withoutFunds((empty) =>
      given({ onProgress: ({ step }) => void (step === 'publishing and submitting' && empty()) }),
    )
    await system.world.warp(25 * 3600)
    await withFunds()
    await given()
    expect((await given()).submitted).toBe(0)
    expect(salts).toBe(1)
    expect(await system.sent()).toBe(before + 3) // one permit for the fee, one commitment, one batch
  })

  test('a job that failed for good, as soon as what it failed for is over', async () => {
    const person = await locked(32)
    const client = await relayed(person)
    await system.world.rpc('anvil_setCode', [person.address, '0x00'])
    await expect(delegate(client, { to: person.address })).rejects.toThrow(/NOT_PLAIN/)
    await system.world.rpc('anvil_setCode', [person.address, '0x'])
    await delegate(client, { to: person.address })
    expect(await system.world.read('GOpen', 'getVotes', [person.address])).toBe(parseEther('2'))
  })
})

test('the same signed act is sent once, however often and at the same time it is asked for', async () => {
  const person = await locked(3)
  const act = await delegation(person, person.address)
  const before = await system.sent()
  const apiKey = await system.keyOf(person.address)
  const asked = await Promise.all(Array.from({ length: 10 }, () => ask(act, apiKey)))
  expect(asked.filter(({ code }) => code === 'RELAY_BUSY')).toHaveLength(9)
  for (const { id } of asked) if (id) expect((await ended(id)).status).toBe('Succeeded')
  const again = await relay(act)
  expect(again).toMatchObject({ status: 'Succeeded', result: { hash: null } })
  expect(await system.sent()).toBe(before + 1)
})

test('who sends a signature first pays for it: the act is done, and its signer is not held', async () => {
  const { world } = system
  const person = await locked(4)
  await manually()
  const { id } = await ask(await delegation(person, person.address), await system.keyOf(person.address))
  await overtake(world.at.GOpen, (await pending(RELAYER)).input)
  expect(await ended(id)).toMatchObject({ status: 'Succeeded', result: { hash: null } })
  expect(await relay(await delegation(person, STRANGER.address))).toMatchObject({ status: 'Succeeded' })
})

test('an account whose act was mined in vain gets no gas for a day: it can waste that of one act', async () => {
  const { world } = system
  const person = await system.person(5, 10n)
  await manually()
  const { id } = await ask(await permitOf(person, world.at.DatanetRegistry, 5n), await system.keyOf(person.address))
  await pending(RELAYER)
  await overtake(world.at.GOpen, (await permitOf(person, world.at.ModelRegistry, 3n)).data) // of the same nonce
  expect(await ended(id)).toMatchObject({ status: 'Failed' })
  expect((await relay(await permitOf(person, world.at.DatanetRegistry))).status).toBe('RELAY_REVERTED')
  const { rows } = await system.db.query('select status from chain_transaction where id = $1', [`relay:${id}`])
  expect(rows).toEqual([{ status: 'Reverted' }])
})

describe('nothing is signed for', () => {
  test('a signature of nobody: the chain would take it for an account that nobody has', async () => {
    const forged = await system.person(6)
    const act = await delegation(forged, STRANGER.address)
    const [v, rest] = [act.data.slice(-192), act.data.slice(0, -192)]
    expect(v).toHaveLength(192)
    const junk = `${rest}${v.slice(0, 64)}${'11'.repeat(32)}${'22'.repeat(32)}` as Hex
    await refused({ ...act, data: junk }, 'OTHER_ACCOUNT')
  })

  test('accounts without gOPEN, however many they are', async () => {
    for (const nth of [7, 8]) {
      const nobody = await system.person(nth)
      await refused(await delegation(nobody, STRANGER.address), 'NOT_WORTH_GAS')
      await refused(await permitOf(nobody, system.world.at.DatanetRegistry), 'NOT_WORTH_GAS')
    }
  })

  test('a permit for a contract that is none of this deployment’s', async () => {
    await refused(await permitOf(await system.person(9, 5n), STRANGER.address), 'NOT_WORTH_GAS')
  })

  test('what the chain may refuse before it is mined', async () => {
    const person = await locked(10)
    const soon = BigInt(await system.world.now()) + 30n
    await refused(await delegation(person, person.address, soon), 'EXPIRES_TOO_SOON')
  })

  test('an account with code, whose answer may change', async () => {
    const person = await locked(11)
    await system.world.rpc('anvil_setCode', [person.address, '0x00'])
    await refused(await delegation(person, person.address), 'NOT_PLAIN')
  })

  test('other contracts and functions, data that follows a call, and what is no call', async () => {
    const person = await locked(12)
    const act = await delegation(person, person.address)
    await refused({ ...act, call: 'GOpen.transfer' }, 'NOT_RELAYED')
    await refused({ ...act, call: 'GOpen.permit' }, 'BAD_CALL')
    await refused({ ...act, data: `${act.data}00` }, 'BAD_CALL')
    await refused({ ...act, data: act.data.slice(0, -2) as Hex }, 'BAD_CALL')
    await refused({ ...act, data: '0x12345678' }, 'BAD_CALL')
  })

  test('a call that the contract refuses, such as a wrong signature', async () => {
    const person = await system.person(13, 5n)
    const good = await permitOf(person, system.world.at.DatanetRegistry)
    const bad = `${good.data.slice(0, -2)}${good.data.endsWith('1') ? '02' : '01'}` as Hex
    const before = await system.sent()
    expect(await relay({ ...good, data: bad })).toMatchObject({ status: 'Failed' })
    expect(await system.sent()).toBe(before)
    expect(await relay(good)).toMatchObject({ status: 'Succeeded' }) // an error in the simulation holds nobody
  })

  test('callers without a key, and keys of other accounts', async () => {
    const person = await locked(14)
    const act = await delegation(person, person.address)
    expect((await ask(act, undefined)).code).toBe('UNAUTHENTICATED')
    expect((await ask(act, await system.keyOf(zeroAddress))).code).toBe('FORBIDDEN')
  })
})

test('nobody else reads a signature in a job', async () => {
  const person = await locked(15)
  const { id } = await ask(await delegation(person, person.address), await system.keyOf(person.address))
  const stranger = await fetch(`${system.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: `{ job(id: "${id}") { kind input result error } }` }),
  })
  expect(await stranger.json()).toMatchObject({
    data: { job: { kind: 'relay', input: null, result: null, error: null } },
  })
  await ended(id)
})

describe('within limits', () => {
  const act = (account: LocalAccount): Request => ({
    account: account.address,
    call: 'GOpen.permit',
    data: '0x12345678',
  })

  test('an account asks for so many acts a day, also by an operator’s key', async () => {
    const person = await system.person(16)
    const operator = await system.keyOf(STRANGER.address, 'Operator')
    const past = Array.from({ length: system.limits.actsPerDay }, (_, nth) => ({ id: `past ${nth}` }))
    const job = { kind: 'relay', status: 'Succeeded', finishedAt: new Date() } as const
    await insertAll(
      system.db,
      JobRun,
      past.map((one) => ({ ...one, ...job })),
    )
    const account = person.address.toLowerCase()
    await insertAll(
      system.db,
      RelayedAct,
      past.map((one) => ({ ...one, account, gasUsed: 0, createdAt: new Date() })),
    )
    expect((await ask(act(person), await system.keyOf(person.address))).code).toBe('RELAY_LIMIT')
    expect((await ask(act(person), operator)).code).toBe('RELAY_LIMIT')
    expect((await ask(act(await system.person(17)), operator)).code).toBeUndefined()
  })

  test('all accounts together use so much gas a day, also when they ask at the same time', async () => {
    const small = await inSystem({ totalGasPerDay: 12_000_000 })
    await setNative(small.world, RELAYER, 0n) // so that what is asked for stays open
    const people = await Promise.all(Array.from({ length: 8 }, (_, nth) => small.person(200 + nth)))
    for (const { address } of people) await small.world.send(OPERATOR, 'GOpen', 'transfer', [address, 5n])
    const acts = await Promise.all(people.map((person) => permitOf(person, small.world.at.DatanetRegistry)))
    const keysOf = await Promise.all(people.map(({ address }) => small.keyOf(address)))
    const asked = await Promise.all(acts.map((one, nth) => ask(one, keysOf[nth])))
    expect(asked.filter(({ code }) => code === 'RELAY_LIMIT')).toHaveLength(5)

    // A relayer without funds: its jobs wait and say so, and what the operator does goes on.
    const [first] = asked.filter(({ id }) => id)
    await vi.waitFor(
      async () => {
        const job = await findJob(small.db, first?.id ?? '')
        expect(job).toMatchObject({
          status: 'Waiting',
          error: { message: expect.stringMatching(/RELAYER_KEY: .* cannot pay for gas/) },
        })
      },
      { timeout: 30_000, interval: 50 },
    )
    const redeem = await enqueue(small, 'redeem', {}, { key: 'meanwhile', requestedBy: null })
    expect((await ended(redeem.id)).status).toBe('Succeeded')
    await setNative(small.world, RELAYER, parseEther('1'))
    for (const { id } of asked) if (id) expect((await ended(id)).status).toBe('Succeeded')
    expect(await small.sent()).toBe(3)
  })

  test('keys that accounts have made themselves use half of it at most: the rest is for those of the operator', async () => {
    const small = await inSystem({ totalGasPerDay: 24_000_000 })
    await setNative(small.world, RELAYER, 0n)
    const people = await Promise.all(Array.from({ length: 6 }, (_, nth) => small.person(300 + nth)))
    for (const { address } of people) await small.world.send(OPERATOR, 'GOpen', 'transfer', [address, 5n])
    const acts = await Promise.all(people.map((person) => permitOf(person, small.world.at.DatanetRegistry)))
    const keysOf = await Promise.all(people.map(({ address }) => small.keyOf(address)))
    await small.db.query(`update api_key set prefix = 'mc' where account <> $1`, [people[5]?.address.toLowerCase()])
    const asked = await Promise.all(acts.map((one, nth) => ask(one, keysOf[nth])))
    expect(
      asked
        .map(({ code }) => code)
        .slice(0, 5)
        .filter((code) => code === 'RELAY_LIMIT'),
    ).toHaveLength(2)
    expect(asked[5]?.code).toBeUndefined()
  })
})

test('where relaying is off, it says so', async () => {
  const { clientSystem } = await import('#client/test/clientSystem.ts')
  const off = await clientSystem()
  const client = await off.as(4, { relay: true })
  await expect(delegate(client, { to: STRANGER.address })).rejects.toThrow(/This API relays nothing/)
})
