import { ETHER } from '#contracts/test/world.ts'
import { statedReceipts } from '#epochs/statedReceipts.ts'
import { BPS, mulDiv, PPM } from '#rules/bps.ts'
import type { EpochFacts } from '#rules/epochFacts.ts'
import { computeRewards } from '#rules/rewardMap.ts'
import { must } from '#test/must.ts'
import { type SeededRandom, seededRandomAt } from '#test/simulator/random.ts'
import { measuredGas } from './gasPage.ts'
import { type Attempted, attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { ATTACKER, earnedBy, randomTerms, STRANGER_CONSUMERS, strangersEpoch } from './randomEpoch.ts'

/** Usage documents as weapons (amendment 4a): whoever has an endpoint can sign any. Without the rule, an epoch whose documents cannot be read, or break a rule of the map, is settled by
 *  nobody, and neither is any later one. */

const EPOCH = 1
const [STRANGERS_ENDPOINT, OWN_ENDPOINT, VERSION] = ['1', '2', '3']
/** One of the attacker's and one of a stranger, which are accepted; and one of the attacker that was rejected. */
const [STRANGERS_SAMPLE, OWN_SAMPLE, REJECTED] = ['0', '1', '7']
/** Another fee in the same pots moves what cannot be divided by a wei a share. */
const ROUNDING = 2n
const HASH = `0x${'ab'.repeat(32)}`

const receipt = (over: object = {}) => ({
  id: 'r1',
  endpointId: OWN_ENDPOINT,
  versionId: VERSION,
  channelId: HASH,
  consumer: ATTACKER,
  prompt: '',
  answer: '',
  tokensIn: 1,
  tokensOut: 1,
  fee: '1',
  cumulative: '0',
  signature: '0x',
  attribution: [{ contributionId: OWN_SAMPLE, mass: 1_000_000 }],
  ...over,
})

const bytesOf = (document: unknown) => new TextEncoder().encode(JSON.stringify(document))
const stating = (...receipts: unknown[]) => bytesOf({ epoch: EPOCH, receipts })
const sample = (contributionId: string, mass: number) => ({ attribution: [{ contributionId, mass }] })

/** `fee`: what the attacker paid at its own endpoint. */
const DOCUMENTS: Record<string, (random: SeededRandom, fee: bigint) => Uint8Array> = {
  'bytes that are no document': (random) =>
    must([new TextEncoder().encode('{'), bytesOf([]), bytesOf(null), Uint8Array.of(0xff)][random(4)]),
  'entries that are no receipts': (random) =>
    stating(null, 7, { id: 'r1' }, receipt({ fee: '-1' }), receipt({ id: `${random(9)}é` })),
  'an unknown contribution': (random, fee) =>
    stating(receipt({ fee: `${fee}`, ...sample(`${10 + random(1_000)}`, 1_000_000) })),
  'a rejected contribution': (_, fee) => stating(receipt({ fee: `${fee}`, ...sample(REJECTED, 1_000_000) })),
  'a version that was never promoted': (random, fee) =>
    stating(receipt({ fee: `${fee}`, versionId: `${10 + random(1_000)}` })),
  'masses above the whole answer': (random, fee) =>
    stating(receipt({ fee: `${fee}`, ...sample(OWN_SAMPLE, 1_000_001 + random(2 ** 40)) })),
  '2^200 wei': () => stating(receipt({ fee: `${2n ** 200n}` })),
  'one receipt a hundred times': (_, fee) => stating(...Array.from({ length: 100 }, () => receipt({ fee: `${fee}` }))),
  'others’ endpoints and consumers': (_, fee) =>
    stating(
      ...[STRANGERS_ENDPOINT, OWN_ENDPOINT].flatMap((endpointId) =>
        STRANGER_CONSUMERS.map((consumer, nth) =>
          receipt({ id: `${endpointId}-${nth}`, endpointId, consumer, fee: `${fee * 1_000n}` }),
        ),
      ),
    ),
}

export const junkDocuments: MoneyAttack[] = Object.entries(DOCUMENTS).map(([name, write]) => ({
  name: `a usage document: ${name}`,
  attacker: 'a host with an endpoint of its own',
  stops: 'strangers who are paid less',
  seeds: FEW_SEEDS,
  play(seed) {
    const random = seededRandomAt(seed, 21)
    const before = strangers(random)
    const paid = BigInt(1 + random(1_000_000_000))
    const own = { ...must(before.usage[0]), endpointId: OWN_ENDPOINT, consumer: ATTACKER, host: ATTACKER, fees: paid }
    const receipts = statedReceipts(write(random, paid), EPOCH, (endpointId) => endpointId === OWN_ENDPOINT)
    const after = { ...before, usage: [...before.usage, own], receipts }
    return comparedWith(before, after, paid)
  },
}))

/** A host that owns its model withholds the documents that name strangers’ samples. Without the rule, what no document attributes goes to an account that the owner
 *  names. */
export const withheldDocuments: MoneyAttack = {
  name: 'usage documents withheld',
  attacker: 'a host that owns its model',
  seeds: FEW_SEEDS,
  play(seed) {
    const random = seededRandomAt(seed, 22)
    const honest = strangers(random, [STRANGER_CONSUMERS[0], STRANGER_CONSUMERS[1]] as never)
    const [model] = honest.models.map((one) => ({ ...one, owner: ATTACKER }))
    const usage = honest.usage.map((one) => ({ ...one, host: ATTACKER }))
    const withheld = { ...honest, usage, models: [must(model)], receipts: [] }
    const mass = BigInt(1 + random(Number(PPM)))
    const receipts = usage.map((one, nth) => ({
      ...one,
      receiptId: `${nth}`,
      fee: one.fees,
      parts: [{ contributionId: STRANGERS_SAMPLE, mass }],
    }))
    const { terms } = must(model)
    const all = usage.reduce((sum, { fees }) => sum + fees, 0n)
    const data = mulDiv(all - mulDiv(all, terms.platform, BPS), terms.data, BPS)
    const answers = data - mulDiv(data, terms.dataByWeight, BPS)
    return {
      without: attempt({ gained: mulDiv(answers, mass, PPM) }),
      with: attempt({ gained: earnedBy(withheld, [ATTACKER]) - earnedBy({ ...withheld, receipts }, [ATTACKER]) }),
      gas: 0n,
    }
  },
}

/** A mandate gives all to its hosts, so that nothing is left to be shared by weight. Without the rule, nobody can settle an epoch in which such a model earned. */
export const allToTheHost: MoneyAttack = {
  name: 'a mandate that gives everything to its host',
  attacker: 'a proposer who is the host',
  stops: 'strangers who are paid less',
  seeds: FEW_SEEDS,
  play(seed) {
    const random = seededRandomAt(seed, 23)
    const before = strangers(random)
    const paid = BigInt(1 + random(1_000_000_000))
    const version = must(before.versions[0])
    const model = must(before.models[0])
    const terms = { ...model.terms, owner: 0n, stakers: 0n, data: 0n, validators: 0n, ancestors: 0n, host: BPS }
    const after: EpochFacts = {
      ...before,
      usage: [
        ...before.usage,
        { endpointId: OWN_ENDPOINT, versionId: '4', consumer: ATTACKER, host: ATTACKER, fees: paid },
      ],
      versions: [...before.versions, { ...version, versionId: '4', modelId: 'm2', weights: [], judgements: [] }],
      models: [...before.models, { ...model, modelId: 'm2', owner: ATTACKER, stakes: [], terms }],
    }
    return comparedWith(before, after, paid)
  },
}

/** An epoch whose names are those of a chain. */
function strangers(random: SeededRandom, contributors = [STRANGER_CONSUMERS[0], ATTACKER] as never): EpochFacts {
  const fees = STRANGER_CONSUMERS.map(() => (BigInt(1 + random(1_000)) * ETHER) / 100n)
  const facts = strangersEpoch(random, fees, contributors, randomTerms(random))
  return {
    ...facts,
    usage: facts.usage.map((one) => ({ ...one, endpointId: STRANGERS_ENDPOINT, versionId: VERSION })),
    versions: facts.versions.map((one) => ({ ...one, versionId: VERSION })),
  }
}

/** What an attacker with an endpoint of its own, who pays `paid` there, gains, and how many strangers are paid less. Without the rule the epoch never closes. */
function comparedWith(before: EpochFacts, after: EpochFacts, paid: bigint): Attempted {
  const others = accountsOf(before).filter((account) => account !== ATTACKER)
  const stopped = others.filter((account) => earnedBy(after, [account]) + ROUNDING < earnedBy(before, [account])).length
  const gained = earnedBy(after, [ATTACKER]) - earnedBy(before, [ATTACKER])
  return {
    without: attempt({ paid, stopped: others.length }),
    with: attempt({ paid, gained, stopped }),
    gas: measuredGas('InferenceMarket', 'registerEndpoint') + measuredGas('InferenceMarket', 'redeem'),
  }
}

const accountsOf = (facts: EpochFacts) => computeRewards(facts).accounts.map(({ account }) => account)
