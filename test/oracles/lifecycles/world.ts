import { type Hex, keccak256 } from 'viem'
import { account } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { Chance } from './chance.ts'
import { ADDRESSES, type LifecycleEvent } from './events.ts'
import { BYTES, IDS, raw } from './hostileText.ts'

/** The chain of a random lifecycle: what people do, as the events that the contracts emit for it, in an order that the contracts allow. */

export const PERIOD = 12

export interface FeesOfPeriod {
  epoch: number
  endpoint: string
  version: string
  consumer: string
  amount: bigint
}

interface Endpoint {
  id: string
  version: string
}

const hashOf = (text: string) => keccak256(new TextEncoder().encode(text))
const EVIDENCE = [0, 1, 2].map((n) => hashOf(`evidence ${n}`))
const MAX_VERSIONS = 12

export class RandomWorld {
  readonly events: LifecycleEvent[] = []
  readonly artifacts: Uint8Array[] = []
  readonly fees: FeesOfPeriod[] = []
  readonly chance: Chance
  readonly people: string[]
  readonly firstBlock: number
  block: number
  private ends: number[] = []
  private channels = new Map<string, bigint>()
  private endpoints: Endpoint[] = []
  private versions: { id: string; model: string }[] = []
  private contributions: string[] = []
  private scored = new Set<string>()
  private disputes: string[] = []
  private resolved = new Set<string>()
  private upheld = new Set<string>()
  private stakes = new Map<string, bigint>()
  private validators = new Set<string>()
  private models: string[] = []
  private tasks = 0

  constructor(seed: number) {
    this.chance = new Chance(seed)
    const { chance } = this
    this.people = Array.from({ length: 3 + chance.below(6) }, (_, n) => hashOf(`${seed} ${n}`).slice(0, 42))
    if (chance.happens(20)) this.people.push(ADDRESSES.Treasury)
    this.firstBlock = this.block = 1 + chance.below(5)
    this.emit('RewardDistributor', 'RoleGranted', { role: hashOf('role'), account: account(1), sender: account(1) })
    for (let n = 0; n <= chance.below(3); n++) this.proposeModel()
    this.submit()
    for (let n = 0; n <= chance.below(4); n++) this.registerVersion()
    this.registerEndpoint()
  }

  emit(contract: LifecycleEvent['contract'], name: string, args: Record<string, unknown>) {
    this.events.push({ block: this.block, contract, name, args: plain(args) as LifecycleEvent['args'] })
  }

  put(bytes: Uint8Array): Hex {
    this.artifacts.push(bytes)
    return keccak256(bytes)
  }

  /** The running epoch, or the last one. */
  get epoch() {
    return this.ends.length
  }

  lastBlockOf(epoch: number) {
    return this.ends[epoch - 1] ?? 0
  }

  /** The last block of the period that holds the present block. */
  get endOfPeriod() {
    return this.firstBlock + PERIOD * (Math.floor((this.block - this.firstBlock) / PERIOD) + 1) - 1
  }

  /** Does random things until the end of the period. */
  live(most: number) {
    const end = this.endOfPeriod
    for (let n = this.chance.below(most + 1); n > 0; n--) {
      this.act()
      if (this.chance.happens(40)) this.block = Math.min(end, this.block + 1 + this.chance.below(3))
    }
    this.block = end
  }

  private act() {
    const { chance } = this
    const act = chance.of([
      ...Array(8).fill(this.redeem),
      ...Array(4).fill(this.submit),
      ...Array(4).fill(this.score),
      ...Array(4).fill(this.stake),
      ...Array(2).fill(this.judge),
      ...Array(2).fill(this.setVersion),
      ...Array(2).fill(this.registerVersion),
      this.fund,
      this.dispute,
      this.resolve,
      this.registerEndpoint,
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
    const spec = { specHash: hashOf('spec'), specURI: 'spec', bond: 0n }
    this.emit('ModelRegistry', 'ModelProposed', { modelId, proposer, proposalId: modelId, ...spec })
    this.emit('ModelRegistry', 'SplitSet', { modelId, splitHash: hashOf('split'), split })
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
      datasetRoot: hashOf('dataset'),
      manifestHash: chance.happens(2) ? `0x${'0'.repeat(64)}` : manifestHash,
      adapterHash: hashOf('adapter'),
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

  private registerEndpoint() {
    const { id: versionId } = this.chance.of(this.versions)
    const endpointId = String(this.endpoints.length + 1)
    this.endpoints.push({ id: endpointId, version: versionId })
    const host = this.chance.of(this.people)
    const price = { url: 'http://host', priceIn: 1n, priceOut: 1n }
    this.emit('InferenceMarket', 'EndpointRegistered', { endpointId, versionId, host, ...price })
  }

  private modelOf(version: string) {
    return must(this.versions[Number(version) - 1]).model
  }

  private setVersion() {
    const endpoint = this.chance.of(this.endpoints)
    const model = this.modelOf(endpoint.version)
    endpoint.version = this.chance.of(this.versions.filter((version) => version.model === model)).id
    this.emit('InferenceMarket', 'EndpointVersionChanged', { endpointId: endpoint.id, versionId: endpoint.version })
  }

  /** FeesOfPeriod arrive: they belong to the running epoch, or begin one. */
  private receive(from: string, amount: bigint) {
    if (this.block > this.lastBlockOf(this.epoch)) this.ends.push(this.endOfPeriod)
    const args = { epoch: this.epoch, from, amount, toBlock: this.lastBlockOf(this.epoch) }
    return () => this.emit('RewardDistributor', 'EpochFunded', args)
  }

  private fund() {
    this.receive(this.chance.of(this.people), this.chance.amount())()
  }

  private redeem() {
    const { chance } = this
    let sum = 0n
    const redeemed = Array.from({ length: 1 + chance.below(3) }, () => {
      const amount = chance.amount()
      sum += amount
      return { endpoint: chance.of(this.endpoints), consumer: chance.of(this.people.slice(0, 3)), amount }
    })
    const funded = this.receive(ADDRESSES.InferenceMarket, sum)
    for (const { endpoint, consumer, amount } of redeemed) {
      const channelId = hashOf(`${endpoint.id} ${consumer}`)
      const ids = { channelId, endpointId: endpoint.id, consumer }
      if (!this.channels.has(channelId))
        this.emit('InferenceMarket', 'CreditDeposited', {
          ...ids,
          key: consumer,
          salt: hashOf('salt'),
          amount: 2n ** 127n,
        })
      const total = (this.channels.get(channelId) ?? 0n) + amount
      this.channels.set(channelId, total)
      this.fees.push({ epoch: this.epoch, endpoint: endpoint.id, version: endpoint.version, consumer, amount })
      this.emit('InferenceMarket', 'Redeemed', {
        ...ids,
        versionId: endpoint.version,
        epoch: this.epoch,
        total,
        amount,
      })
    }
    funded()
  }

  private submit() {
    const contributionId = String(this.contributions.length + 1)
    this.contributions.push(contributionId)
    const contributor = this.chance.of(this.people)
    const ids = { commitment: hashOf(`commitment ${contributionId}`), contributor }
    this.emit('DatanetRegistry', 'ContributionCommitted', ids)
    const content = { contentHash: hashOf(`content ${contributionId}`), stake: 1n }
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

  private judge() {
    const { chance } = this
    const taskId = String(++this.tasks)
    const { id: versionId, model: modelId } = chance.of(this.versions)
    const task = { domain: 'ethics', itemHash: hashOf('item'), pot: 0n, commitDeadline: 1n, revealDeadline: 2n }
    this.emit('FeedbackPool', 'TaskOpened', { taskId, modelId, versionId, ...task })
    const judges = chance.some(this.people)
    for (const validator of judges) {
      if (!this.validators.has(validator)) this.emit('FeedbackPool', 'ValidatorStaked', { validator, amount: 1n })
      this.validators.add(validator)
      this.emit('FeedbackPool', 'FeedbackCommitted', { taskId, validator, commitment: hashOf('judgement') })
    }
    if (chance.happens(20)) return // never settled
    for (const validator of judges) {
      const score = chance.happens(25) ? 0 : chance.below(1_000_001)
      this.emit('FeedbackPool', 'FeedbackSettled', { taskId, validator, score, reward: 0n, penalty: 0n })
    }
    const evidenceHash = chance.happens(80) ? chance.of(EVIDENCE) : hashOf('other evidence')
    this.emit('FeedbackPool', 'TaskSettled', { taskId, paid: 0n, returned: 0n, evidenceHash })
  }

  private dispute() {
    const { chance } = this
    const kind = chance.happens(75) ? 0 : chance.of([1, 2, 3])
    const subjectId = chance.of(this.contributions)
    if (kind === 0 && this.upheld.has(subjectId)) return
    const disputeId = String(this.disputes.length + 1)
    this.disputes.push(kind === 0 ? subjectId : '')
    this.emit('Disputes', 'DisputeOpened', {
      disputeId,
      kind,
      subjectId,
      challenger: account(2),
      bond: 0n,
      evidenceHash: hashOf('proof'),
    })
  }

  private resolve() {
    const open = this.disputes.map((_, i) => String(i + 1)).filter((id) => !this.resolved.has(id))
    if (open.length === 0) return
    const disputeId = this.chance.of(open)
    this.resolved.add(disputeId)
    const outcome = this.chance.happens(70) ? 1 : this.chance.of([2, 3])
    if (outcome === 1) this.upheld.add(must(this.disputes[Number(disputeId) - 1]))
    this.emit('Disputes', 'DisputeResolved', { disputeId, outcome, slashed: 0n })
  }
}

/** Every number as a decimal string. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]))
}
