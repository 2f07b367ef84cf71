import { type Hex, hashTypedData } from 'viem'
import { expect, test } from 'vitest'
import { contributionData, usageData } from './signing.ts'
import { typedHash } from './test/typedHash.ts'

const place = { chainId: 31_337, contract: `0x${'c0'.repeat(20)}` } as const
const person: Hex = `0x${'ab'.repeat(20)}`
const hash: Hex = `0x${'12'.repeat(32)}`

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
    typedHash({ name: 'DatanetRegistry', contract: place.contract }, type, [
      ['uint256', 1n],
      ['address', person],
      ['bytes32', hash],
      ['uint256', 2n],
      ['uint256', 3n],
      ['uint256', 4n],
    ]),
  )
})

test('a usage document is signed for one epoch of one distributor', () => {
  expect(hashTypedData(usageData(place, 7, hash))).toBe(
    typedHash({ name: 'RewardDistributor', contract: place.contract }, 'Usage(uint256 epoch,bytes32 document)', [
      ['uint256', 7n],
      ['bytes32', hash],
    ]),
  )
})
