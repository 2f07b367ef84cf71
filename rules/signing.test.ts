import { encodePacked, type Hex, hashTypedData, keccak256, stringToBytes } from 'viem'
import { expect, test } from 'vitest'
import { contributionData, delegationData, permitData, usageData, withdrawalData } from './signing.ts'
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

test('a withdrawal of data is signed with its reason: of lists and texts, the hash stands in its place', () => {
  const message = { contributionIds: [7n, 9n], reason: 'Not mine.' }
  expect(hashTypedData(withdrawalData(place, message))).toBe(
    typedHash(
      { name: 'DatanetRegistry', contract: place.contract },
      'Withdrawal(uint256[] contributionIds,string reason)',
      [
        ['bytes32', keccak256(encodePacked(['uint256[]'], [message.contributionIds]))],
        ['bytes32', keccak256(stringToBytes(message.reason))],
      ],
    ),
  )
})

test('delegations and permits are signed as OpenZeppelin’s Votes and ERC20Permit hash them', () => {
  const token = { name: 'Governance OPEN', contract: place.contract }
  expect(hashTypedData(delegationData(place, { delegatee: person, nonce: 3n, expiry: 4n }))).toBe(
    typedHash(token, 'Delegation(address delegatee,uint256 nonce,uint256 expiry)', [
      ['address', person],
      ['uint256', 3n],
      ['uint256', 4n],
    ]),
  )
  const spender: Hex = `0x${'cd'.repeat(20)}`
  expect(hashTypedData(permitData(place, { owner: person, spender, value: 2n, nonce: 3n, deadline: 4n }))).toBe(
    typedHash(token, 'Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)', [
      ['address', person],
      ['address', spender],
      ['uint256', 2n],
      ['uint256', 3n],
      ['uint256', 4n],
    ]),
  )
})
