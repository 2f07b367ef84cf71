import { type Hex, keccak256 } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { account } from '#test/factory.ts'
import { RandomCalls } from './calls.ts'
import { Chance } from './chance.ts'
import { RandomDisputes } from './disputes.ts'
import { RandomDistributor } from './distributor.ts'
import { ADDRESSES, type LifecycleEvent } from './events.ts'
import { hashOfText } from './hashOfText.ts'
import { BYTES, IDS, raw } from './hostileText.ts'
import { EVIDENCE, RandomJudgements } from './judgements.ts'
import { RandomMarket } from './market.ts'
import type { LifecycleStage, RandomVersion } from './stage.ts'

/** The chain of a random lifecycle: what people do, as the events that the contracts emit for it, in an order that the contracts allow. */

const MAX_VERSIONS = 12

export class RandomWorld implements LifecycleStage {
  readonly events: LifecycleEvent[] = []
  readonly artifacts: Uint8Array[] = []
  readonly chance: Chance
  readonly people: string[]
  readonly hosts: PrivateKeyAccount[]
  readonly firstBlock: number
  readonly distributor: RandomDistributor
  readonly market: RandomMarket
  readonly calls: RandomCalls
  block: number
  private readonly judgements: RandomJudgements
  private readonly disputes: RandomDisputes
  private versions: RandomVersion[] = []
  private contributions: string[] = []
  private scored = new Set<string>()
  private stakes = new Map<string, bigint>()
  private models: string[] = []

  constructor(seed: number) {
    this.chance = new Chance(seed)
    const { chance } = this
    this.people = Array.from({ length: 3 + chance.below(6) }, (_, n) => hashOfText(`${seed} ${n}`).slice(0, 42))
    if (chance.happens(20)) this.people.push(ADDRESSES.Treasury)
    this.hosts = Array.from({ length: 3 }, (_, n) => privateKeyToAccount(hashOfText(`${seed} host ${n}`)))
    this.people.push(...this.hosts.map(({ address }) => address.toLowerCase()))
    this.firstBlock = this.block = 1 + chance.below(5)
    this.distributor = new RandomDistributor(this, this.firstBlock)
    this.market = new RandomMarket(this, this.versions, this.distributor)
    this.calls = new RandomCalls(this, this.market)
    this.judgements = new RandomJudgements(this, this.versions)
    this.disputes = new RandomDisputes(this, { contributions: this.contributions, judgements: this.judgements.ids })
    this.emit('RewardDistributor', 'RoleGranted', { role: hashOfText('role'), account: account(1), sender: account(1) })
    for (let n = 0; n <= chance.below(3); n++) this.proposeModel()
    this.submit()
    for (let n = 0; n <= chance.below(4); n++) this.registerVersion()
    this.market.registerEndpoint()
  }

  emit(contract: LifecycleEvent['contract'], name: string, args: Record<string, unknown>) {
    this.events.push({ block: this.block, contract, name, args: plain(args) as LifecycleEvent['args'] })
  }

  put(bytes: Uint8Array): Hex {
    this.artifacts.push(bytes)
    return keccak256(bytes)
  }

  /** Does random things until the end of the period. */
  live(most: number) {
    const end = this.distributor.endOfPeriod
    for (let n = this.chance.below(most + 1); n > 0; n--) {
      this.act()
      if (this.chance.happens(40)) this.block = Math.min(end, this.block + 1 + this.chance.below(3))
    }
    this.block = end
  }

  private act() {
    const { chance } = this
    const act = chance.of([
      ...Array(8).fill(() => this.market.redeem()),
      ...Array(4).fill(this.submit),
      ...Array(4).fill(this.score),
      ...Array(4).fill(this.stake),
      ...Array(4).fill(() => this.judgements.play()),
      ...Array(2).fill(() => this.market.setVersion()),
      ...Array(2).fill(this.registerVersion),
      () => this.distributor.receive(chance.of(this.people), chance.amount())(),
      ...Array(3).fill(() => this.disputes.openOne()),
      ...Array(3).fill(() => this.disputes.resolveOne()),
      () => this.market.registerEndpoint(),
      ...Array(2).fill(() => this.market.withdraw()),
      ...Array(4).fill(() => this.calls.accept()),
      ...Array(4).fill(() => this.calls.end()),
      ...Array(3).fill(() => this.distributor.claim()),
    ]) as () => void
    act.call(this)
  }

  private proposeModel() {
    const { chance } = this
    const modelId = String(this.models.length + 1)
    this.models.push(modelId)
    const [owner, stakers, data, validators, host] = chance.happens(10)
      ? [0, 0, 0, 0, 10_000]
      : chance.happens(20)
        ? [0, 0, 10_000, 0, 0]
        : chance.shares(10_000, 5)
    const split = {
      platform: chance.of([0, 500, 10_000, chance.below(10_001)]),
      owner,
      stakers,
      data,
      validators,
      host,
      ancestors: chance.of([0, 1, 3_000, chance.below(3_001)]),
      dataByWeight: chance.of([0, 5_000, 10_000, chance.below(10_001)]),
      unattributedByWeight: chance.happens(50),
    }
    const proposer = chance.of(this.people)
    const spec = { specHash: hashOfText('spec'), specURI: 'spec', bond: 0n }
    this.emit('ModelRegistry', 'ModelProposed', { modelId, proposer, proposalId: modelId, ...spec })
    this.emit('ModelRegistry', 'SplitSet', { modelId, splitHash: hashOfText('split'), split })
    this.emit('DatanetRegistry', 'DatanetCreated', {
      datanetId: modelId,
      modelId,
      owner: proposer,
      licence: 'CC0-1.0',
      minStake: 0n,
      comparison: 0n,
    })
  }

  private registerVersion() {
    if (this.versions.length === MAX_VERSIONS) return
    const { chance } = this
    const versionId = String(this.versions.length + 1)
    const modelId = chance.of(this.models)
    const parent = chance.happens(75) ? this.versions.at(-1) : chance.happens(50) ? this.versions[0] : undefined
    this.versions.push({ id: versionId, model: modelId })
    const bytes = this.manifest()
    const manifestHash = chance.happens(8) ? keccak256(bytes) : this.put(bytes)
    this.emit('ModelRegistry', 'VersionRegistered', {
      versionId,
      modelId,
      parentVersionId: parent?.id ?? '0',
      method: 'sft',
      datasetRoot: hashOfText('dataset'),
      manifestHash: chance.happens(2) ? `0x${'0'.repeat(64)}` : manifestHash,
      adapterHash: hashOfText('adapter'),
    })
  }

  private contributionId() {
    return this.chance.happens(10) ? this.chance.of(IDS) : String(this.chance.below(this.contributions.length + 3))
  }

  private manifest(): Uint8Array {
    const { chance } = this
    const weight = () => String(chance.happens(20) ? 0 : chance.amount())
    const good = raw({
      evidence: chance.some(EVIDENCE),
      weights: chance.times(6, () => ({
        contributionId: chance.happens(97)
          ? String(1 + chance.below(this.contributions.length + 2))
          : this.contributionId(),
        weight: chance.happens(5) ? `00${weight()}` : weight(),
      })),
      version: 1,
    })
    return chance.happens(15) ? chance.of(BYTES)(good, chance) : good
  }

  private submit() {
    const contributionId = String(this.contributions.length + 1)
    this.contributions.push(contributionId)
    const contributor = this.chance.of(this.people)
    const ids = { commitment: hashOfText(`commitment ${contributionId}`), contributor }
    this.emit('DatanetRegistry', 'ContributionCommitted', ids)
    const content = { contentHash: hashOfText(`content ${contributionId}`), stake: 1n }
    this.emit('DatanetRegistry', 'ContributionSubmitted', { contributionId, datanetId: '1', ...ids, ...content })
  }

  private score() {
    for (const contributionId of this.contributions.filter((id) => !this.scored.has(id))) {
      if (this.chance.happens(30)) continue
      this.scored.add(contributionId)
      const verdict = this.chance.happens(80) ? 1 : 2
      const score = { quality: 1, uniqueness: 1, verdict, reason: '' }
      this.emit('DatanetRegistry', 'ContributionScored', { contributionId, scorer: account(1), ...score })
    }
  }

  private stake() {
    const { chance } = this
    const modelId = chance.of(this.models)
    const staker = chance.of(this.people)
    const place = `${modelId} ${staker}`
    const staked = this.stakes.get(place) ?? 0n
    if (staked > 0n && chance.happens(50)) {
      const amount = chance.happens(40) ? staked : 1n + chance.upTo(staked - 1n)
      this.stakes.set(place, staked - amount)
      this.emit('ModelRegistry', 'ModelUnstaked', { modelId, account: staker, amount })
    } else {
      const amount = chance.amount()
      this.stakes.set(place, staked + amount)
      this.emit('ModelRegistry', 'ModelStaked', { modelId, account: staker, amount })
    }
  }
}

/** Every number as a decimal string. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]))
}
