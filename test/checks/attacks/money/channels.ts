import { channelOf, depositCredit, marketPlace, redemption } from '#contracts/test/vouchers.ts'
import { CONSUMER, ETHER, HOST, SETTINGS, type Sent, type World } from '#contracts/test/world.ts'
import { channelConfig, channelId } from '#rules/channel.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { inWorld } from './worlds.ts'

/** Consumers who do not want to pay for what was answered. An answer is worth its fee. */

export const randomCredit = (seed: number) => (BigInt(1 + seededRandomAt(seed, 7)(1_000)) * ETHER) / 100n

const creditOf = async (world: World, endpointId: bigint, consumer = CONSUMER) =>
  (
    await world.read('InferenceMarket', 'channels', [
      channelId(marketPlace(world), channelOf({ endpointId, consumer: consumer.address })),
    ])
  )[0]

export const redeemedIn = ({ events }: Sent) =>
  events.reduce((sum, one) => (one.name === 'Redeemed' ? sum + one.args.amount : sum), 0n)

/** Each endpoint answers as far as it sees credit of the consumer. Without the rule, credit is a balance for all hosts. */
export const promisedTwice: MoneyAttack = {
  name: 'one balance promised to many hosts',
  attacker: 'a consumer',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const credit = randomCredit(seed)
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
      const credit = randomCredit(seed)
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
