import { type Hex, hexToBigInt, numberToHex, parseSignature, serializeSignature } from 'viem'
import { mineUntil } from '#contracts/test/publication.ts'
import { channelOf, depositCredit, marketPlace, redemption, signTestVoucher } from '#contracts/test/vouchers.ts'
import { ALICE, BOB, CAROL, CONSUMER, HOST, SETTINGS, type World } from '#contracts/test/world.ts'
import { requireHosted } from '#graphql/commands/hosted.ts'
import { readSignature, requireSigner } from '#graphql/commands/voucherSignature.ts'
import { channelId } from '#rules/channel.ts'
import { randomCredit, redeemedIn } from './channels.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { inWorld } from './worlds.ts'

/** Redemptions that the chain refuses, beside those of bystanders (amendment 7a). Without the rule, the API answers what the contract then does not pay, and one refused redemption reverts the
 *  host's whole batch, and with it the epoch. */

type Redemption = Awaited<ReturnType<typeof redemption>>

/** What a consumer gives the host instead of a good redemption, and whether the API answers for it. */
interface Given {
  redemption: Redemption
  isAnswered: Promise<boolean> | boolean
}

/** The order of secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

const signedAnew =
  (change: (signature: Hex) => Hex) =>
  (world: World, good: Redemption): Given => {
    const signature = change(good.signature)
    return { redemption: { ...good, signature }, isAnswered: takesSignature(world, { ...good, signature }) }
  }

const REFUSED: Record<string, (world: World, good: Redemption) => Promise<Given> | Given> = {
  'a signature with v of 0 or 1': signedAnew((signature) => {
    const { yParity } = parseSignature(signature)
    return `${signature.slice(0, 130)}0${yParity}` as Hex
  }),
  'a signature with a high s': signedAnew((signature) => {
    const { r, s, yParity } = parseSignature(signature)
    return serializeSignature({ r, s: numberToHex(ORDER - hexToBigInt(s), { size: 32 }), yParity: 1 - yParity })
  }),
  'a signature of another key': async (world, good) => {
    const id = channelId(marketPlace(world), channelOf())
    const signature = await signTestVoucher(world, CAROL, { channelId: id, ceiling: good.ceiling })
    return { redemption: { ...good, signature }, isAnswered: takesSignature(world, { ...good, signature }) }
  },
  'a stranger’s endpoint': async (world, good) => {
    await world.send(CAROL, 'InferenceMarket', 'registerEndpoint', [1n, 'https://carol.example', 0n, 0n])
    const endpointId = await world.read('InferenceMarket', 'endpointCount', [])
    const hosted = () => requireHosted([HOST.address.toLowerCase()], { id: `${endpointId}`, host: CAROL.address })
    return {
      redemption: { ...good, endpointId },
      isAnswered: Promise.resolve()
        .then(hosted)
        .then(...asBoolean),
    }
  },
}

const asBoolean = [() => true, () => false] as const

const takesSignature = (world: World, { ceiling, signature }: Redemption): Promise<boolean> => {
  const voucher = { channelId: channelId(marketPlace(world), channelOf()), ceiling }
  const check = async () =>
    requireSigner(world.deployment.chainId, CONSUMER.address.toLowerCase(), voucher, readSignature(signature))
  return check().then(...asBoolean)
}

export const refusedRedemptions: MoneyAttack[] = Object.entries(REFUSED).map(([name, give]) => ({
  name: `redemptions under ${name}`,
  attacker: 'a consumer',
  stops: 'redemptions of others',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const fee = randomCredit(seed)
      const bystanders = [ALICE, BOB].map(({ address }) => channelOf({ consumer: address }))
      for (const channel of [channelOf(), ...bystanders]) await depositCredit(world, channel, fee)
      const given = await give(world, await redemption(world, channelOf(), fee))
      const others = await Promise.all(bystanders.map((channel) => redemption(world, channel, fee)))
      const { events } = await world.send(HOST, 'InferenceMarket', 'redeem', [[given.redemption, ...others]])
      const paidOthers = events.filter(
        ({ name, args }) => name === 'Redeemed' && args.consumer !== CONSUMER.address.toLowerCase(),
      ).length
      return {
        without: attempt({ gained: fee, stopped: others.length }),
        with: attempt({ gained: (await given.isAnswered) ? fee : 0n, stopped: others.length - paidOthers }),
        gas: 0n,
      }
    }),
}))

/** A host states a total beyond all credit (2^200 does not fit the type). Without the rule, one redemption that is refused reverts its batch. */
export const hugeTotal: MoneyAttack = {
  name: 'a redemption of 2^127 wei',
  attacker: 'a host',
  stops: 'redemptions of others',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const fee = randomCredit(seed)
      const bystander = channelOf({ consumer: BOB.address })
      for (const channel of [channelOf(), bystander]) await depositCredit(world, channel, fee)
      const huge = await redemption(world, channelOf(), 2n ** 128n - 1n, { total: 2n ** 127n })
      const sent = await world.send(HOST, 'InferenceMarket', 'redeem', [
        [huge, await redemption(world, bystander, fee)],
      ])
      const gained = redeemedIn(sent) - fee
      return { without: attempt({ stopped: 1 }), with: attempt({ gained, stopped: gained < 0n ? 1 : 0 }), gas: 0n }
    }),
}

/** A consumer's account gets code after it has signed: that of a delegation (EIP-7702) to a contract that refuses every call. Without the rule, the contract asks the account's code whether the
 *  signature is good. */
export const delegatedAccount: MoneyAttack = {
  name: 'an account delegated after it has signed (EIP-7702)',
  attacker: 'a consumer',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const fee = randomCredit(seed)
      await depositCredit(world, channelOf(), fee)
      const signed = await redemption(world, channelOf(), fee)
      await world.rpc('anvil_setCode', [CONSUMER.address, `0xef0100${world.at.Treasury.slice(2)}`])
      const sent = await world.send(HOST, 'InferenceMarket', 'redeem', [[signed]])
      return { without: attempt({ gained: fee }), with: attempt({ paid: redeemedIn(sent), gained: fee }), gas: 0n }
    }),
}

/** Fees are redeemed just after the block that closes an epoch. Without the rule, they are part of no epoch. */
export const lateRedemption: MoneyAttack = {
  name: 'fees after the closing block',
  attacker: 'whoever delays a host’s transaction',
  stops: 'fees that are part of no epoch',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const fee = randomCredit(seed)
      await depositCredit(world, channelOf(), 2n * fee)
      const first = await redemption(world, channelOf(), fee)
      await world.send(HOST, 'InferenceMarket', 'redeem', [[first]])
      const epoch = await world.read('RewardDistributor', 'epochCount', [])
      await mineUntil(world, (await world.client.getBlockNumber()) + BigInt(SETTINGS.epochLength) + 1n)
      const late = await redemption(world, channelOf(), 2n * fee)
      const { events } = await world.send(HOST, 'InferenceMarket', 'redeem', [[late]])
      const counted = events.some(
        ({ name, args }) => name === 'EpochFunded' && args.epoch === epoch + 1n && args.amount === fee,
      )
      return { without: attempt({ stopped: 1 }), with: attempt({ stopped: counted ? 0 : 1 }), gas: 0n }
    }),
}
