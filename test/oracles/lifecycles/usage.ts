import { must } from '#test/must.ts'
import { BYTES, IDS, NUMBERS, raw, verbatim } from './hostileText.ts'
import type { FeesOfPeriod } from './market.ts'
import type { RandomWorld } from './world.ts'

/** Usage documents of an epoch: some honest, some not. */

export function usageDocuments(world: RandomWorld, epoch: number): Uint8Array[] {
  const { chance } = world
  const fees = world.market.fees.filter((one) => one.epoch === epoch)
  const documents = chance.times(3, () => {
    const receipts = fees.length ? chance.times(5, () => receipt(world, chance.of(fees))) : []
    const good = raw({ epoch: chance.happens(90) ? epoch : numberLike(world, epoch), receipts })
    return chance.happens(12) ? chance.of(BYTES)(good, chance) : good
  })
  if (documents.length && chance.happens(20)) documents.push(must(documents[0]))
  return documents
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
