import { liveVersion } from '#rules/promotion.ts'
import { BudgetEntry, Mandate, Model, ModelStake, ModelVersion, RewardSplit, Target } from '#schema/onchain/models.ts'
import type { Rows } from '../store/rows.ts'
import { dateOf, type EventContext, type EventHandlers } from './eventContext.ts'
import { indexedName } from './indexedName.ts'

const NO_VERSION = 0n

interface Money {
  modelId: bigint
  account: string
  purpose: string
  amount: bigint
}

function budget(
  rows: Rows,
  direction: 'Funded' | 'Spent',
  { modelId, account, purpose, amount }: Money,
  event: EventContext,
) {
  const id = modelId.toString()
  rows.append(BudgetEntry, { id: event.id, modelId: id, direction, account, purpose, amount, at: event.timestamp })
  rows.change(Mandate, id, (mandate) =>
    direction === 'Funded' ? { funded: mandate.funded + amount } : { spent: mandate.spent + amount },
  )
}

function stake(rows: Rows, modelId: string, account: string, change: bigint) {
  const id = `${modelId}-${account}`
  rows.put(ModelStake, { id, modelId, account, amount: (rows.get(ModelStake, id)?.amount ?? 0n) + change })
  rows.change(Model, modelId, ({ staked }) => ({ staked: staked + change }))
}

function liveVersionId(rows: Rows, modelId: string): string | null {
  const serving = rows.find(ModelVersion, 'modelId', modelId).filter(({ status }) => status === 'Promoted')
  return liveVersion(serving.map(({ id }) => BigInt(id)))?.toString() ?? null
}

export const models: EventHandlers<'ModelRegistry'> = {
  ModelProposed(rows, { modelId, proposer, proposalId, specHash, specURI, bond }, event) {
    rows.put(Model, {
      id: modelId.toString(),
      proposer,
      proposalId: proposalId.toString(),
      specHash,
      specUri: specURI,
      bond,
      bondReturned: 0n,
      bondSlashed: 0n,
      bondStatus: 'Locked',
      staked: 0n,
      liveVersionId: null,
      proposedAt: event.timestamp,
    })
  },
  /** Where a metric is named twice, the greater minimum counts, and it may fall only if both say so. */
  TargetSet(rows, { modelId, minimum, mayFall, ...target }) {
    const metric = indexedName(target.metric)
    const id = `${modelId}-${metric}`
    const before = rows.get(Target, id)
    const least = before && before.minimum > minimum ? before.minimum : minimum
    const falls = mayFall && (before?.mayFall ?? true)
    rows.put(Target, { id, modelId: modelId.toString(), metric, minimum: least, mayFall: falls })
  },
  SplitSet(rows, { modelId, splitHash, split }) {
    rows.put(RewardSplit, { id: modelId.toString(), modelId: modelId.toString(), splitHash, ...split })
  },
  BondReturned(rows, { modelId, amount }) {
    rows.change(Model, modelId.toString(), (model) => ({
      bondReturned: model.bondReturned + amount,
      bondStatus: model.bondStatus === 'Slashed' ? ('Slashed' as const) : ('Returned' as const),
    }))
  },
  BondSlashed(rows, { modelId, amount }) {
    rows.change(Model, modelId.toString(), (model) => ({
      bondSlashed: model.bondSlashed + amount,
      bondStatus: 'Slashed' as const,
    }))
  },
  MandateIssued(rows, { modelId, proposalId, budget, rubricHash, splitHash, deadline }, event) {
    rows.put(Mandate, {
      id: modelId.toString(),
      modelId: modelId.toString(),
      proposalId: proposalId.toString(),
      budget,
      funded: 0n,
      spent: 0n,
      rubricHash,
      splitHash,
      deadline: dateOf(deadline),
      issuedAt: event.timestamp,
    })
  },
  MandateFunded(rows, money, event) {
    budget(rows, 'Funded', money, event)
  },
  BudgetSpent(rows, money, event) {
    budget(rows, 'Spent', money, event)
  },
  ModelStaked(rows, { modelId, account, amount }) {
    stake(rows, modelId.toString(), account, amount)
  },
  ModelUnstaked(rows, { modelId, account, amount }) {
    stake(rows, modelId.toString(), account, -amount)
  },
  VersionRegistered(rows, { versionId, modelId, parentVersionId, ...made }, event) {
    rows.put(ModelVersion, {
      id: versionId.toString(),
      modelId: modelId.toString(),
      parentId: parentVersionId === NO_VERSION ? null : parentVersionId.toString(),
      method: made.method,
      datasetRoot: made.datasetRoot,
      manifestHash: made.manifestHash,
      adapterHash: made.adapterHash,
      status: 'Registered',
      rollbackReason: null,
      registeredAt: event.timestamp,
      promotedAt: null,
    })
  },
  VersionPromoted(rows, { versionId }, event) {
    const id = versionId.toString()
    rows.change(ModelVersion, id, { status: 'Promoted', promotedAt: event.timestamp })
    rows.change(Model, rows.must(ModelVersion, id).modelId, { liveVersionId: id })
  },
  VersionRolledBack(rows, { versionId, reason }) {
    const id = versionId.toString()
    const { modelId } = rows.must(ModelVersion, id)
    rows.change(ModelVersion, id, { status: 'RolledBack', rollbackReason: reason })
    if (rows.must(Model, modelId).liveVersionId === id)
      rows.change(Model, modelId, { liveVersionId: liveVersionId(rows, modelId) })
  },
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
