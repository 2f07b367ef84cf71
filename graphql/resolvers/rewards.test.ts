import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { RewardTree } from '#rules/merkle.ts'
import { putDocument } from '#schema/documents.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { account, blockHash, insert, insertAll, insertChain, TEST_CHAIN_ID } from '#test/factory.ts'
import { testApi } from '../test/api.ts'

test('a reward map is returned with its lines, and every account’s proof equals that of OpenZeppelin’s tree', async () => {
  const { db, ask, artifacts } = await testApi()
  await insertChain(db, 10)
  const distributor = account(0xdd) as Hex
  const owed = Array.from({ length: 9 }, (_, i) => ({
    account: account(i + 1) as Hex,
    cumulative: BigInt(i + 1) * 10n ** 18n,
  }))
  const root = new RewardTree(owed.map((leaf) => ({ chain: BigInt(TEST_CHAIN_ID), distributor, epoch: 3n, ...leaf })))
    .root
  const uri = await putDocument(artifacts, rewardMapDocument, {
    epoch: 3,
    chainId: TEST_CHAIN_ID,
    distributor,
    fromBlock: 1,
    toBlock: 9,
    blockHash: blockHash(9),
    root,
    total: '1',
    leaves: owed.map((leaf) => ({ account: leaf.account, cumulative: leaf.cumulative.toString() })),
    carried: [],
    debts: [],
    usage: [],
    absent: [],
    lines: [],
    codeHash: root,
  })
  await insertAll(db, RewardMap, [
    { id: '3', epoch: 3, status: 'Published', root, uri, total: 1n },
    { id: '4', epoch: 4, status: 'Open' },
    { id: '5', epoch: 5, status: 'Published', root: blockHash(1), uri },
  ])
  await insert(db, RewardClaim, { id: 'c', mapId: '3', account: account(2), amount: 5n })
  await insert(db, RewardLine, {
    id: '3-1',
    mapId: '3',
    account: account(2),
    role: 'data',
    source: 'contribution:1',
    amount: 5n,
    inputs: { pot: '10' },
  })
  const oracle = StandardMerkleTree.of(
    owed.map((leaf) => [TEST_CHAIN_ID, distributor, 3, leaf.account, leaf.cumulative]),
    ['uint256', 'address', 'uint256', 'address', 'uint256'],
  )
  expect(root).toBe(oracle.root)
  for (const [i, leaf] of owed.entries()) {
    const { data } = await ask(
      'query ($account: String!) { rewardProof(account: $account, epoch: 3) { root cumulative claimed proof } }',
      { account: leaf.account },
    )
    expect(data.rewardProof).toEqual({
      root,
      cumulative: leaf.cumulative.toString(),
      claimed: i === 1 ? '5' : '0',
      proof: oracle.getProof(i),
    })
  }
  const { data } = await ask(
    `{ rewardMap(epoch: 3) { status lines { totalCount nodes { role amount inputs } } proof(account: "${account(2)}") { cumulative } nothing: proof(account: "${account(99)}") { proof } } open: rewardMap(epoch: 4) { proof(account: "${account(1)}") { proof } } }`,
  )
  expect(data).toEqual({
    rewardMap: {
      status: 'Published',
      lines: { totalCount: 1, nodes: [{ role: 'data', amount: '5', inputs: { pot: '10' } }] },
      proof: { cumulative: String(2n * 10n ** 18n) },
      nothing: null,
    },
    open: { proof: null },
  })
  const refuse = async (query: string) => (await ask(query)).errors?.[0]?.extensions.code
  expect(await refuse(`{ rewardProof(account: "${account(1)}", epoch: 9) { proof } }`)).toBe('UNKNOWN_REWARD_MAP')
  expect(await refuse('{ rewardProof(account: "me", epoch: 3) { proof } }')).toBe('BAD_INPUT')
  expect(await refuse(`{ rewardProof(account: "${account(1)}", epoch: 5) { proof } }`)).toBe('REWARD_MAP_MISMATCH')
})
