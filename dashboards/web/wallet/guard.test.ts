import { type EIP1193Provider, encodeFunctionData, parseAbi } from 'viem'
import { expect, test } from 'vitest'
import { encodeCall } from '#client/chain/encodeCall.ts'
import type { ServedDeployment } from '#client/deployment.ts'
import { account } from '#test/factory.ts'
import { guarded, type WalletRequest } from './guard.ts'

const addresses = { GOpen: account(1), ModelGovernor: account(2), DatanetRegistry: account(3) }
const deployment = { chainId: 31_337, addresses: addresses as unknown as ServedDeployment['addresses'] }
const me = account(9)
const stranger = account(0x666)

/** A wallet that signs everything, behind the guard; what reached it, and what the person was shown. */
function open({ chainId = 31_337, agrees = true } = {}) {
  const reached: string[] = []
  const shown: WalletRequest[] = []
  const wallet = {
    async request({ method }: { method: string }) {
      if (method !== 'eth_chainId') reached.push(method)
      return method === 'eth_chainId' ? `0x${chainId.toString(16)}` : '0x1'
    },
  } as unknown as EIP1193Provider
  const approve = async (asked: WalletRequest) => {
    shown.push(asked)
    if (!agrees) throw new Error('no')
  }
  const { request } = guarded(wallet, { deployment, account: me, approve })
  return { request: request as (asked: { method: string; params?: unknown }) => Promise<unknown>, reached, shown }
}

const lock = encodeCall('GOpen', 'lock', [5n])
const send = (change: object) => ({
  method: 'eth_sendTransaction',
  params: [{ from: me, to: addresses.GOpen, data: lock, ...change }],
})
const sign = (domain: object, primaryType = 'Permit', from = me) => ({
  method: 'eth_signTypedData_v4',
  params: [from, JSON.stringify({ domain: { chainId: 31_337, ...domain }, primaryType, message: { value: '5' } })],
})

test('a call of the deployment’s contracts is shown as it is, and passed', async () => {
  const { request, reached, shown } = open()
  await request(send({ value: '0x7' }))
  expect(reached).toEqual(['eth_sendTransaction'])
  expect(shown).toEqual([
    { kind: 'transaction', contract: 'GOpen', functionName: 'lock', args: [5n], data: lock, value: 7n },
  ])
})

test.each([
  ['another contract', send({ to: stranger }), /none of the contracts of this deployment/],
  ['no contract', send({ to: undefined }), /none of the contracts/],
  ['a function that the contract does not have', send({ data: '0x12345678' }), /none of the contracts/],
  ['plain value', send({ data: undefined, value: '0x1' }), /none of the contracts/],
  ['another account', send({ from: stranger }), /is not the account/],
  [
    'a spender outside',
    send({ data: encodeCall('GOpen', 'approve', [stranger, 2n ** 255n]) }),
    /is no contract of this deployment/,
  ],
  [
    'a foreign ABI',
    send({ data: encodeFunctionData({ abi: parseAbi(['function drain()']) }) }),
    /none of the contracts/,
  ],
  ['a domain of another contract', sign({ verifyingContract: stranger }), /none of this deployment/],
  ['a domain of another chain', sign({ verifyingContract: addresses.GOpen, chainId: 1 }), /none of this deployment/],
  ['a domain without a contract', sign({}), /none of this deployment/],
  [
    'x402’s domain for anything but vouchers',
    sign({ name: 'x402 Batch Settlement', verifyingContract: '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003' }),
    /none of this deployment/,
  ],
  ['a text', { method: 'personal_sign', params: ['0x00', me] }, /never asks a wallet for personal_sign/],
  ['bytes', { method: 'eth_sign', params: [me, '0x00'] }, /never asks a wallet for eth_sign/],
  ['signed bytes', { method: 'eth_sendRawTransaction', params: ['0x00'] }, /never asks/],
  ['a batch', { method: 'wallet_sendCalls', params: [{}] }, /never asks/],
])('%s is refused before the wallet or the person is asked', async (_, asked, words) => {
  const { request, reached, shown } = open()
  await expect(request(asked)).rejects.toThrow(words)
  expect([reached, shown]).toEqual([[], []])
})

test('what the person does not agree to, or what a wallet on another chain is asked, does not reach it', async () => {
  const refused = open({ agrees: false })
  await expect(refused.request(send({}))).rejects.toThrow('no')
  const elsewhere = open({ chainId: 1 })
  await expect(elsewhere.request(send({}))).rejects.toThrow(/on chain 1 now/)
  expect([refused.reached, elsewhere.reached]).toEqual([[], []])
})

test('vouchers of x402 and messages of the contracts are shown and passed; reading needs nobody', async () => {
  const { request, reached, shown } = open()
  const x402 = { name: 'x402 Batch Settlement', verifyingContract: '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003' }
  await request(sign(x402, 'Voucher'))
  await request(sign({ verifyingContract: addresses.DatanetRegistry.toUpperCase().replace('0X', '0x') }, 'Withdrawal'))
  await request({ method: 'eth_getBalance', params: [me, 'latest'] })
  expect(reached).toEqual(['eth_signTypedData_v4', 'eth_signTypedData_v4', 'eth_getBalance'])
  expect(shown.map((one) => one.kind === 'signature' && one.type)).toEqual(['Voucher', 'Withdrawal'])
})
