import { encodeAbiParameters, type Hex, hashTypedData, keccak256, stringToBytes } from 'viem'
import { expect, test } from 'vitest'
import { contributionData, voucherData } from './signing.ts'

const place = { chainId: 31_337, contract: `0x${'c0'.repeat(20)}` } as const
const person: Hex = `0x${'ab'.repeat(20)}`
const hash: Hex = `0x${'12'.repeat(32)}`

/** EIP-712 by its specification: the hash of the type as it is written in the contract, then one word for each member. */
function typedHash(contract: string, type: string, members: readonly [type: string, value: unknown][]): Hex {
  const struct = (text: string, fields: readonly [string, unknown][]) =>
    keccak256(
      encodeAbiParameters(
        [{ type: 'bytes32' }, ...fields.map(([kind]) => ({ type: kind }))],
        [keccak256(stringToBytes(text)), ...fields.map(([, value]) => value)],
      ),
    )
  const domain = struct('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)', [
    ['bytes32', keccak256(stringToBytes(contract))],
    ['bytes32', keccak256(stringToBytes('1'))],
    ['uint256', 31_337n],
    ['address', place.contract],
  ])
  return keccak256(`0x1901${domain.slice(2)}${struct(type, members).slice(2)}`)
}

test('a contribution is signed as the registry hashes it', () => {
  const message = {
    datanetId: 1n,
    contributor: person,
    contentsHash: hash,
    stakeEach: 2n,
    nonce: 3n,
    deadline: 4n,
  }
  const type =
    'Contribution(uint256 datanetId,address contributor,bytes32 contentsHash,uint256 stakeEach,uint256 nonce,uint256 deadline)'
  expect(hashTypedData(contributionData(place, message))).toBe(
    typedHash('DatanetRegistry', type, [
      ['uint256', 1n],
      ['address', person],
      ['bytes32', hash],
      ['uint256', 2n],
      ['uint256', 3n],
      ['uint256', 4n],
    ]),
  )
})

test('a voucher is signed as the market hashes it', () => {
  const message = { consumer: person, endpointId: 5n, cumulative: 6n, deadline: 7n }
  const type = 'Voucher(address consumer,uint256 endpointId,uint256 cumulative,uint64 deadline)'
  expect(hashTypedData(voucherData(place, message))).toBe(
    typedHash('InferenceMarket', type, [
      ['address', person],
      ['uint256', 5n],
      ['uint256', 6n],
      ['uint64', 7n],
    ]),
  )
})
