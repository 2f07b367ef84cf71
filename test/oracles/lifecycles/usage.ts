import type { Hex } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { usageData } from '#rules/signing.ts'
import type { SignedUsage } from '#schema/usageDocument.ts'
import { TEST_CHAIN_ID } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { ADDRESSES } from './events.ts'
import { BYTES, IDS, NUMBERS, raw, verbatim } from './hostileText.ts'
import type { FeesOfPeriod } from './market.ts'
import type { RandomWorld } from './world.ts'

/** Usage documents of an epoch with signatures: some honest, some not. */

export async function signedDocuments(world: RandomWorld, epoch: number): Promise<SignedUsage[]> {
  const { chance } = world
  const fees = world.market.fees.filter((one) => one.epoch === epoch)
  const signed: SignedUsage[] = []
  for (const host of world.hosts) {
    const own = fees.filter((one) => one.host === host)
    for (let left = chance.of([0, 1, 1, 1, 1, 2]); left > 0; left--) {
      const document = world.put(usageDocument(world, epoch, chance.happens(90) ? own : fees))
      signed.push({ document, signature: await signature(world, host, epoch, document) })
    }
  }
  if (signed.length && chance.happens(20)) signed.push(must(signed[0]))
  return chance.happens(50) ? signed : signed.reverse()
}

/** A document that nobody has: whether the map that lists it is right cannot be said, if its host has fees. */
export async function withheldDocument(world: RandomWorld, epoch: number): Promise<SignedUsage> {
  const document = `0x${'f'.repeat(64)}` as const
  return { document, signature: await signature(world, world.chance.of(world.hosts), epoch, document) }
}

async function signature({ chance, hosts }: RandomWorld, host: PrivateKeyAccount, epoch: number, document: Hex) {
  const chainId = chance.happens(96) ? TEST_CHAIN_ID : 1
  const contract = ADDRESSES.RewardDistributor as Hex
  const data = usageData({ chainId, contract }, chance.happens(96) ? epoch : epoch + 1, document)
  const signed = await (chance.happens(96) ? host : chance.of(hosts)).signTypedData(data)
  return chance.happens(92) ? signed : chance.of(SIGNATURES)(signed)
}

/** Signatures as they should not be. */
const SIGNATURES: readonly ((signature: string) => string)[] = [
  () => '',
  (signature) => signature.slice(0, -2),
  (signature) => `${signature}00`,
  (signature) => `${signature.slice(0, -2)}00`,
  (signature) => `${signature.slice(0, -2)}${signature.endsWith('1b') ? '1c' : '1b'}`,
  (signature) => signature.toUpperCase().replace('X', 'x'),
  (signature) => `0x${'0'.repeat(64)}${signature.slice(66)}`,
  (signature) => `${signature.slice(0, 66)}${'0'.repeat(64)}${signature.slice(-2)}`,
  (signature) => `${signature.slice(0, 66)}${'f'.repeat(64)}${signature.slice(-2)}`,
  (signature) => `0x${'f'.repeat(64)}${signature.slice(66)}`,
  (signature) => `0x${signature.slice(3)}1`,
]

function usageDocument(world: RandomWorld, epoch: number, fees: readonly FeesOfPeriod[]): Uint8Array {
  const { chance } = world
  const receipts = fees.length ? chance.times(5, () => receipt(world, chance.of(fees))) : []
  const good = raw({ epoch: chance.happens(90) ? epoch : numberLike(world, epoch), receipts })
  return chance.happens(12) ? chance.of(BYTES)(good, chance) : good
}

function receipt(world: RandomWorld, { endpoint, version, consumer, amount }: FeesOfPeriod) {
  const { chance } = world
  const wei = (value: bigint) => (chance.happens(5) ? `0${value}` : String(value))
  const fee = chance.of([0n, 1n, amount, amount, amount / 2n, amount / 3n, amount * 2n, chance.upTo(amount)])
  const good = {
    id: chance.of(['r1', 'r2', 'r10', 'R1', '!', '~', `${chance.below(1_000)}`, `${chance.below(1_000)}`]),
    endpointId: endpoint,
    versionId: version,
    channelId: `0x${'c'.repeat(64)}`,
    consumer,
    prompt: 'How?',
    answer: 'So.',
    tokensIn: 1,
    tokensOut: 2,
    fee: wei(fee),
    cumulative: wei(amount),
    signature: '0x',
    attribution: attribution(world),
  }
  return chance.happens(12) ? { ...good, ...hostilePart(world) } : good
}

function attribution(world: RandomWorld) {
  const { chance } = world
  let left = chance.of([1_000_000, 1_000_000, 1_000_000, 1_000_001, 700_000, 5_000_000])
  return chance.times(4, () => {
    const mass = chance.happens(50) ? left : chance.below(left + 1)
    left -= mass
    const contributionId = chance.happens(95) ? String(1 + chance.below(8)) : chance.of(IDS)
    return { contributionId, mass: chance.happens(96) ? mass : numberLike(world, mass) }
  })
}

const numberLike = ({ chance }: RandomWorld, value: number) =>
  chance.happens(50) ? verbatim(`${value}.0`) : chance.happens(50) ? value + 1 : verbatim(chance.of(NUMBERS))

/** One member of a receipt as it should not be, or as only its reader may read it. */
function hostilePart({ chance, people }: RandomWorld): object {
  const id = chance.of(IDS)
  return chance.of([
    { id: 'x'.repeat(200) },
    { id: 'x'.repeat(201) },
    { id: chance.of(['', ' ', 'a b', 'ä', 7]) },
    { endpointId: id },
    { versionId: id },
    { endpointId: '2', versionId: '1' },
    { consumer: chance.of(people) },
    { consumer: chance.of(people).toUpperCase().replace('X', 'x') },
    { consumer: chance.of(people).slice(0, -1) },
    { fee: id },
    { fee: chance.of([1, -1, null, '-1', '1e3', '0x1']) },
    { cumulative: id },
    { tokensIn: verbatim(chance.of(NUMBERS)) },
    { tokensOut: verbatim(chance.of(NUMBERS)) },
    { channelId: `0x${'C'.repeat(64)}` },
    { prompt: null },
    { answer: '\ud800' },
    { signature: 7 },
    { attribution: null },
    { attribution: {} },
    { attribution: [{ contributionId: '1' }] },
    { attribution: [{ contributionId: '1', mass: '5' }] },
    { attribution: [{ contributionId: id, mass: verbatim(chance.of(NUMBERS)) }] },
    { attribution: [null] },
  ])
}
