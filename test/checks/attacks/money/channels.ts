import type { Hex } from 'viem'
import { channelOf, depositCredit, marketPlace, redemption, signTestVoucher } from '#contracts/test/vouchers.ts'
import { ALICE, BOB, CONSUMER, ETHER, HOST, SETTINGS, type Sent, type World } from '#contracts/test/world.ts'
import { channelConfig, channelId } from '#rules/channel.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { inWorld } from './worlds.ts'

/** Consumers who do not want to pay for what was answered. An answer is worth its fee. */

const amountOf = (seed: number) => (BigInt(1 + seededRandomAt(seed, 7)(1_000)) * ETHER) / 100n

const creditOf = async (world: World, endpointId: bigint, consumer = CONSUMER) =>
  (
    await world.read('InferenceMarket', 'channels', [
      channelId(marketPlace(world), channelOf({ endpointId, consumer: consumer.address })),
    ])
  )[0]

const redeemedIn = ({ events }: Sent) =>
  events.reduce((sum, one) => (one.name === 'Redeemed' ? sum + one.args.amount : sum), 0n)

/** Each endpoint answers as far as it sees credit of the consumer. Without the rule, credit is a balance for all hosts. */
export const promisedTwice: MoneyAttack = {
  name: 'one balance promised to many hosts',
  attacker: 'a consumer',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const credit = amountOf(seed)
      await depositCredit(world, channelOf(), credit)
      let [answered, paid] = [0n, 0n]
      for (const endpointId of [1n, 2n]) {
        const seen = await creditOf(world, endpointId)
        answered += seen
        const voucher = await redemption(world, channelOf({ endpointId }), credit)
        paid += redeemedIn(await world.send(HOST, 'InferenceMarket', 'redeem', [[voucher]]))
      }
      return {
        without: attempt({ paid: credit, gained: 2n * credit }),
        with: attempt({ paid, gained: answered }),
        gas: 0n,
      }
    }),
}

/** A consumer withdraws its credit after it got its answers. Without the rule, it is paid out at once. */
export const withdrawnCredit: MoneyAttack = {
  name: 'credit withdrawn after the answers',
  attacker: 'a consumer',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const credit = amountOf(seed)
      const used = (credit * 3n) / 5n
      await depositCredit(world, channelOf(), credit)
      const config = channelConfig(marketPlace(world), channelOf())
      const request = await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [config, credit])
      await world.warp(SETTINGS.withdrawalDelay - 10)
      const voucher = await redemption(world, channelOf(), used)
      const paid = redeemedIn(await world.send(HOST, 'InferenceMarket', 'redeem', [[voucher]]))
      await world.warp(SETTINGS.withdrawalDelay)
      const withdrawal = await world.send(CONSUMER, 'InferenceMarket', 'withdraw', [config])
      return {
        without: attempt({ gained: used }),
        with: attempt({ paid, gained: used }),
        gas: request.gasUsed + withdrawal.gasUsed,
      }
    }),
}

/** A consumer signs with v = 0, which the chain's precompile takes and the contract does not. Without the rule, one refused redemption
 *  reverts the host's whole batch. */
export const brokenSignature: MoneyAttack = {
  name: 'a signature that the chain refuses',
  attacker: 'a consumer',
  stops: 'redemptions of others',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const fee = amountOf(seed)
      const bystanders = [ALICE, BOB]
      for (const { address } of [CONSUMER, ...bystanders])
        await depositCredit(world, channelOf({ consumer: address }), fee)
      const id = channelId(marketPlace(world), channelOf())
      const signature = await signTestVoucher(world, CONSUMER, { channelId: id, ceiling: fee })
      const zeroV = `${signature.slice(0, 130)}0${signature.endsWith('1b') ? 0 : 1}` as Hex
      const broken = await redemption(world, channelOf(), fee, { signature: zeroV })
      const others = await Promise.all(
        bystanders.map(({ address }) => redemption(world, channelOf({ consumer: address }), fee)),
      )
      const redeemed = await world.send(HOST, 'InferenceMarket', 'redeem', [[broken, ...others]])
      const moved = redeemed.events.filter(({ name }) => name === 'Redeemed').length
      // The API refuses the voucher before it answers, so that the consumer gets nothing for it.
      return {
        without: attempt({ gained: fee, stopped: others.length }),
        with: attempt({ stopped: others.length - moved }),
        gas: 0n,
      }
    }),
}
