import type { Hex } from 'viem'
import { type Batch, commitmentOf, contentsOf, signBatch, submitArguments } from '#contracts/test/batch.ts'
import { fundEpoch, publicationOf } from '#contracts/test/publication.ts'
import { channelOf, depositCredit, marketPlace, redemption, signTestVoucher } from '#contracts/test/vouchers.ts'
import { ALICE, CONSUMER, ETHER, GENESIS, HOST, hashOf, OPERATOR, SETTINGS, STRANGER } from '#contracts/test/world.ts'
import { channelId } from '#rules/channel.ts'
import { RewardTree } from '#rules/merkle.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { inWorld, isRefused } from './worlds.ts'

/** What was signed or proved once is used again, or elsewhere. Without the rules, what is signed and proved names an account and an amount only. */

const amountOf = (seed: number) => (BigInt(1 + seededRandomAt(seed, 8)(1_000)) * ETHER) / 100n

/** A host uses a consumer's voucher of another chain, contract, scheme or endpoint, and again. */
export const replayedVouchers: MoneyAttack = {
  name: 'replay of vouchers: chain, contract, name, endpoint, again',
  attacker: 'a host',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const amount = amountOf(seed)
      for (const endpointId of [1n, 2n]) await depositCredit(world, channelOf({ endpointId }), 10n * amount)
      const good = await redemption(world, channelOf(), amount)
      const voucher = { channelId: channelId(marketPlace(world), channelOf()), ceiling: 5n * amount }
      const signatures = await Promise.all(
        [{ chainId: 1 }, { contract: world.at.InferenceMarket }, { name: 'InferenceMarket' }].map((over) =>
          signTestVoucher(world, CONSUMER, voucher, over),
        ),
      )
      const forged = signatures.map((signature) => ({ ...good, signature, ceiling: 5n * amount, total: 5n * amount }))
      const elsewhere = await redemption(world, channelOf({ endpointId: 2n }), amount, { signature: good.signature })
      const before = await world.balance(world.at.RewardDistributor)
      const sent = await world.send(HOST, 'InferenceMarket', 'redeem', [[good, ...forged, elsewhere, good]])
      const moved = (await world.balance(world.at.RewardDistributor)) - before
      const replays = BigInt(forged.length + 2)
      return {
        without: attempt({ gained: replays * amount }),
        with: attempt({ gained: moved - amount }),
        gas: sent.gasUsed,
      }
    }),
}

/** An account claims with the proof of another epoch, with that of another distributor or chain, and again. */
export const replayedClaims: MoneyAttack = {
  name: 'replay of claims: chain, contract, epoch, again',
  attacker: 'an account that a map pays',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const amount = amountOf(seed)
      const account = ALICE.address
      let [moved, gas, tries] = [0n, 0n, 0n]
      const before = await world.balance(account)
      const claim = async (args: readonly [bigint, Hex, bigint, readonly Hex[]]) => {
        tries++
        const sent = await world.send(STRANGER, 'RewardDistributor', 'claim', args as never).catch(() => undefined)
        gas += sent?.gasUsed ?? 0n
      }
      const publish = async (epoch: bigint, cumulative: bigint, over: { chain?: bigint; distributor?: Hex } = {}) => {
        await fundEpoch(world, 10n * amount)
        const place = { chain: BigInt(world.deployment.chainId), distributor: world.at.RewardDistributor, ...over }
        const others = { ...place, epoch, account: STRANGER.address, cumulative: 0n }
        const tree = new RewardTree([{ ...place, epoch, account, cumulative }, others])
        const publication = await publicationOf(world, epoch, tree.root, amount)
        await world.send(OPERATOR, 'RewardDistributor', 'publish', publication)
        await world.warp(SETTINGS.challengeWindow + 1)
        return [epoch, account, cumulative, tree.proof(0)] as const
      }
      const first = await publish(1n, amount)
      await claim(first)
      await claim(first)
      const second = await publish(2n, 2n * amount)
      await claim(first)
      await claim([2n, ...(first.slice(1) as [Hex, bigint, Hex[]])])
      await claim(second)
      await claim(second)
      // These maps were made for another place, and published here as they are.
      await claim(await publish(3n, 9n * amount, { chain: 1n }))
      await claim(await publish(4n, 9n * amount, { distributor: world.at.InferenceMarket }))
      moved = (await world.balance(account)) - before
      return {
        without: attempt({ gained: (tries - 2n) * amount }),
        with: attempt({ gained: moved - 2n * amount }),
        gas,
      }
    }),
}

/** A relay uses the signature of a contributor again, or one for another chain or contract, and so takes its stake. */
export const replayedSubmissions: MoneyAttack = {
  name: 'replay of signed samples: chain, contract, again',
  attacker: 'a relay',
  stops: 'stakes of contributors that are taken for what they did not sign',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const batchOf = (name: string): Batch => ({
        datanetId: 1n,
        contributor: ALICE.address,
        contents: contentsOf(`${name} ${seed}`, 2),
        stakeEach: amountOf(seed),
        salt: hashOf(name),
        deadline: BigInt(GENESIS + 100_000),
      })
      const batches = ['signed', 'other chain', 'other contract'].map(batchOf)
      for (const batch of batches)
        await world.send(STRANGER, 'DatanetRegistry', 'commit', [commitmentOf(batch), ALICE.address])
      const [signed, otherChain, otherContract] = batches as [Batch, Batch, Batch]
      const signature = await signBatch(world, ALICE, signed, 0n)
      await world.send(STRANGER, 'DatanetRegistry', 'submit', submitArguments(signed, signature))
      await world.mine(300)
      const submissions = [
        submitArguments(signed, signature),
        submitArguments(otherChain, await signBatch(world, ALICE, otherChain, 1n, { chainId: 1 })),
        submitArguments(otherContract, await signBatch(world, ALICE, otherContract, 1n, { contract: world.at.GOpen })),
      ]
      for (const batch of [otherChain, otherContract])
        await world.send(STRANGER, 'DatanetRegistry', 'commit', [commitmentOf(batch), ALICE.address])
      let taken = 0
      for (const args of submissions)
        if (!(await isRefused(world.send(STRANGER, 'DatanetRegistry', 'submit', args)))) taken++
      return { without: attempt({ stopped: submissions.length }), with: attempt({ stopped: taken }), gas: 0n }
    }),
}
