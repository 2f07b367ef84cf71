import type { RewardMap } from '#schema/onchain/rewards.ts'
import type { WholeRewardMap } from '#schema/rewardMapDocument.ts'
import { digitHash, parties } from './epochRows.ts'

/** Twenty kinds of false maps: how the document, or what is on the chain, differs from the true map of `epochRows`, and where the difference is. */
export function tamperings(map: WholeRewardMap): {
  document?: object
  onChain?: Partial<RewardMap>
  place: RegExp
}[] {
  const [leaf, ...leaves] = map.leaves as [WholeRewardMap['leaves'][0], ...WholeRewardMap['leaves']]
  const [line, ...lines] = map.lines as [WholeRewardMap['lines'][0], ...WholeRewardMap['lines']]
  const debt = { account: parties.alice, amount: '5', to: null, reason: 'none' }
  const documents: [Partial<WholeRewardMap>, RegExp][] = [
    [{ lines: [{ ...line, amount: '1' }, ...lines] }, /^platform of/],
    [{ lines: [{ ...line, weight: '1' }, ...lines] }, /^platform of/],
    [{ lines }, /^platform of/],
    [{ leaves: [{ ...leaf, cumulative: '1' }, ...leaves] }, /^leaf of/],
    [{ carried: [{ versionId: '2', pot: 'data', amount: '5' }] }, /^carried in data of version 2/],
    [{ debts: [debt] }, /^debt of/],
    [{ total: '5' }, /^total$/],
    [{ root: digitHash('1') }, /^root$/],
    [{ blockHash: digitHash('1') }, /^blockHash$/],
    [{ toBlock: 21 }, /^toBlock$/],
    [{ fromBlock: 6 }, /^fromBlock$/],
    [{ epoch: 2 }, /^epoch$/],
    [{ chainId: 1 }, /^chainId$/],
    [{ distributor: parties.alice }, /^distributor$/],
    [{ usage: [] }, /^answers of/],
  ]
  return [
    ...documents.map(([change, place]) => ({ document: { ...map, ...change }, place })),
    { document: { no: 'map' }, place: /^the document of the map$/ },
    { onChain: { root: digitHash('1') }, place: /^root$/ },
    { onChain: { total: 99_999n }, place: /^total$/ },
    { onChain: { blockHash: digitHash('1') }, place: /^blockHash$/ },
    { onChain: { uri: 'https://elsewhere' }, place: /^the document of the map$/ },
  ]
}
