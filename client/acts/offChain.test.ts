import { keccak256, parseEther, recoverTypedDataAddress, toHex } from 'viem'
import { expect, test } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import { evaluate, version } from '#contracts/test/mandate.ts'
import { HOST, OPERATOR } from '#contracts/test/world.ts'
import { voucherData } from '#rules/channel.ts'
import {
  type Client,
  channelWith,
  contribute,
  createDatanet,
  deposit,
  grant,
  graphql,
  isStored,
  signVoucher,
  uploadBytes,
  withdrawContributions,
  x402Signer,
} from '../index.ts'
import { contents } from '../test/contents.ts'
import { sharedSystem } from '../test/sharedSystem.ts'

/** Verbs that send no transaction: what they sign or give, the API keeps. */

const system = sharedSystem()

test('bytes are stored under their hash, and sent once; under another name they are refused', async () => {
  const client = await system().as(4)
  const bytes = new TextEncoder().encode('the weights of a model')
  const name = keccak256(bytes)
  expect(await isStored(client, name)).toBe(false)
  await uploadBytes(client, name, bytes)
  expect(await isStored(client, name)).toBe(true)
  const stored = await client.request(`/artifacts/${name}`)
  expect(new Uint8Array(await stored.arrayBuffer())).toEqual(bytes)
  const reading: Client = {
    ...client,
    request: (path, init) => (init?.method === 'PUT' ? Promise.reject(new Error(path)) : client.request(path, init)),
  }
  await uploadBytes(reading, name, bytes)
  await expect(uploadBytes(client, keccak256(toHex('another')), bytes)).rejects.toThrow(/not the one of the address/)
})

/** An endpoint of the host whose calls this API answers. @returns its id */
async function hostedEndpoint(): Promise<bigint> {
  const { world, modelId } = system()
  const versionId = await version(world, modelId, OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(OPERATOR, 'ModelRegistry', 'promote', [versionId])
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://x.example', 1000n, 2000n])
  return world.read('InferenceMarket', 'endpointCount', [])
}

const VOUCHER = graphql('query ($id: ID!) { signedVoucher(id: $id) { ceiling used } }')

test('a voucher is signed for one channel and sum; the API keeps the greatest, and x402’s clients sign the same', async () => {
  const { as, world } = system()
  const endpointId = await hostedEndpoint()
  const consumer = await as(8)
  await expect(grant(consumer, await voucherOf(consumer, endpointId, 5n))).rejects.toThrow(
    /There is no payment channel/,
  )
  await deposit(consumer, { endpointId, amount: 100n })
  const voucher = await voucherOf(consumer, endpointId, 60n)
  const id = voucher.channelId
  const signature = await signVoucher(consumer, voucher)
  const { chainId } = world.deployment
  expect(await recoverTypedDataAddress({ ...voucherData(chainId, voucher), signature })).toBe(devAccount(8).address)

  const kept = async () => (await consumer.ask(VOUCHER, { id })).signedVoucher
  await grant(consumer, voucher)
  await grant(consumer, voucher)
  expect(await kept()).toEqual({ ceiling: '60', used: '0' })
  await expect(grant(consumer, { channelId: id, ceiling: 59n })).rejects.toThrow(/60 wei of channel .* already granted/)
  await expect(grant(await as(6), { channelId: id, ceiling: 70n })).rejects.toThrow(/sign/i)
  expect(await kept()).toEqual({ ceiling: '60', used: '0' })

  const signer = x402Signer(consumer)
  const typed = { primaryType: 'Voucher', domain: { chainId }, message: { channelId: id, maxClaimableAmount: '60' } }
  expect(await signer.signTypedData(typed)).toBe(signature)
  await expect(signer.signTypedData({ ...typed, primaryType: 'TransferWithAuthorization' })).rejects.toThrow(
    /Here only vouchers for chain 31337 are signed, no TransferWithAuthorization/,
  )
  await expect(signer.signTypedData({ ...typed, domain: { chainId: 1 } })).rejects.toThrow(/no Voucher for chain 1/)
  expect(await signer.readContract({ functionName: 'channels', args: [id] })).toEqual([100n, 0n])
})

const voucherOf = async (client: Client, endpointId: bigint, ceiling: bigint) => ({
  channelId: (await channelWith(client, endpointId)).id,
  ceiling,
})

const WITHDRAWN = graphql('query ($id: ID!) { dataWithdrawal(id: $id) { contributor reason } }')

test('contributions are withdrawn by whoever gave them, for good; a dry run only says so', async () => {
  const { as, modelId } = system()
  const [alice, stranger] = [await as(4), await as(6)]
  const datanetId = await createDatanet(await as(2), { modelId, licence: 'CC0-1.0', minStake: parseEther('0.01') })
  const { ids } = await contribute(alice, { datanetId, samples: contents('parcel', 2) })
  const [first = 0n, second = 0n] = [...ids.values()].map(BigInt)
  const withdrawn = async (id: bigint) => (await alice.ask(WITHDRAWN, { id: String(id) })).dataWithdrawal

  const dry = await as(4, { dryRun: true })
  expect(await withdrawContributions(dry, { ids: [first], reason: 'Not mine.' })).toEqual([])
  expect(dry.plan).toMatchObject([{ step: 'sign a withdrawal', from: devAccount(4).address, value: 0n }])
  await expect(withdrawContributions(stranger, { ids: [first], reason: 'Not mine.' })).rejects.toThrow(/sign/)
  expect(await withdrawn(first)).toBeNull()

  const taken = await withdrawContributions(alice, { ids: [first], reason: 'I had no right to give it.' })
  expect(taken).toEqual([String(first)])
  const contributor = devAccount(4).address.toLowerCase()
  expect(await withdrawn(first)).toEqual({ contributor, reason: 'I had no right to give it.' })
  expect(await withdrawn(second)).toBeNull()
})
