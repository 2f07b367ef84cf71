import { Address, Choice, Flag, Hash, Id, Integer, OnChain, Ref, Text, Time, Versioned, Wei } from '../define.ts'
import { Proposal } from './governance.ts'

export const BOND_STATUS = ['Locked', 'Returned', 'Slashed'] as const
export const VERSION_STATUS = ['Registered', 'Promoted', 'RolledBack'] as const

@OnChain('A proposed model, its specification and the bond of its proposer.')
export class Model extends Versioned {
  @Id('The model id.', { numeric: true }) id!: string
  @Address('The account that proposed it and owns it.', { index: true }) proposer!: string
  @Ref(() => Proposal, 'proposal', 'The proposal on which the vote is held.', { inverse: 'models' }) proposalId!: string
  @Hash('The specification artifact.') specHash!: string
  @Text('A further location of the specification.') specUri!: string
  @Wei('The bond locked.') bond!: bigint
  @Wei('The returned part of the bond.') bondReturned!: bigint
  @Wei('The slashed part of the bond.') bondSlashed!: bigint
  @Choice('BondStatus', BOND_STATUS, 'Whether the bond is still locked, or what became of it.')
  bondStatus!: (typeof BOND_STATUS)[number]
  @Wei('The present stake on the model.') staked!: bigint
  @Ref(() => ModelVersion, 'liveVersion', 'The promoted version that serves.', { nullable: true }) liveVersionId!:
    | string
    | null
  @Time('When it was proposed.') proposedAt!: Date
}

@OnChain('The binding result of a passed proposal: budget, rubric, split and deadline.')
export class Mandate extends Versioned {
  @Id('The model id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'For which model it was issued.', { inverse: 'mandates' }) modelId!: string
  @Ref(() => Proposal, 'proposal', 'The proposal that issued it.') proposalId!: string
  @Wei('The approved budget.') budget!: bigint
  @Wei('Funded so far.') funded!: bigint
  @Wei('Spent so far.') spent!: bigint
  @Hash('The evaluation rubric.') rubricHash!: string
  @Hash('The revenue split.') splitHash!: string
  @Time('The time until which it is valid.') deadline!: Date
  @Time('When it was issued.') issuedAt!: Date
}

@OnChain('A target of the rubric: a version may serve only when the metric’s lower bound reaches it.')
export class Target extends Versioned {
  @Id('`model-metric`.') id!: string
  @Ref(() => Model, 'model', 'Which model must reach it.', { inverse: 'targets' }) modelId!: string
  @Text('The metric’s name.') metric!: string
  @Wei('The minimum of the lower confidence bound, in ppm.') minimum!: bigint
  @Flag(
    'Whether a version may serve that is significantly worse at it than the live one. Null on chains of earlier releases.',
    {
      nullable: true,
    },
  )
  mayFall!: boolean | null
}

@OnChain('How a model’s revenue is split, in basis points.')
export class RewardSplit extends Versioned {
  @Id('The model id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'Whose revenue is split: a model.', { inverse: 'splits' }) modelId!: string
  @Hash('The hash of the split, as in the mandate.') splitHash!: string
  @Integer('Share of the treasury, of all fees.') platform!: number
  @Integer('Share of the model’s owner, of the rest.') owner!: number
  @Integer('Share of its stakers, of the rest.') stakers!: number
  @Integer('Share of its data contributors, of the rest.') data!: number
  @Integer('Share of its validators, of the rest.') validators!: number
  @Integer('Share of the endpoint’s host, of the rest.') host!: number
  @Integer('Share of the rest that goes first to the versions from which it descends.') ancestors!: number
  @Integer('The part of the data share that is distributed by version weight; the remainder by answer-time influence.')
  dataByWeight!: number
  @Flag('Whether what opened answers leave unattributed is shared by version weight; otherwise the treasury gets it.')
  unattributedByWeight!: boolean
}

@OnChain('A payment into or out of a mandate’s budget.')
export class BudgetEntry extends Versioned {
  @Id('The event’s id.') id!: string
  @Ref(() => Model, 'model', 'Which mandate’s budget it concerns, by its model.', { inverse: 'budgetEntries' })
  modelId!: string
  @Choice('BudgetDirection', ['Funded', 'Spent'], 'Whether it was paid into the budget or out of it.') direction!:
    | 'Funded'
    | 'Spent'
  @Address('The account that paid or was paid.', { index: true }) account!: string
  @Text('For what it was paid, as the payer stated it.') purpose!: string
  @Wei('How much was paid, in wei.') amount!: bigint
  @Time('The time.') at!: Date
}

@OnChain('An account’s stake on a model.')
export class ModelStake extends Versioned {
  @Id('`model-account`.') id!: string
  @Ref(() => Model, 'model', 'On which model it is.', { inverse: 'stakes' }) modelId!: string
  @Address('The account that staked.', { index: true }) account!: string
  @Wei('The present stake.') amount!: bigint
}

@OnChain('A trained version of a model: an adapter with the manifest of its training run.')
export class ModelVersion extends Versioned {
  @Id('The version id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'To which model it belongs.', { inverse: 'versions' }) modelId!: string
  @Ref(() => ModelVersion, 'parent', 'The version it was trained from.', { nullable: true, inverse: 'children' })
  parentId!: string | null
  @Text('The training method: sft, dpo, grpo, rloo.') method!: string
  @Hash('The root of the exact, ordered dataset.') datasetRoot!: string
  @Hash('The run’s manifest.') manifestHash!: string
  @Hash('The adapter’s weights.') adapterHash!: string
  @Choice('VersionStatus', VERSION_STATUS, 'How far it has come: registered, promoted, or rolled back for good.')
  status!: (typeof VERSION_STATUS)[number]
  @Text('Why it was rolled back.', { nullable: true }) rollbackReason!: string | null
  @Time('When it was registered.') registeredAt!: Date
  @Time('When it was promoted.', { nullable: true }) promotedAt!: Date | null
}

@OnChain('One metric of the evaluation of a version under a rubric, with its confidence interval. All scores in ppm.')
export class Evaluation extends Versioned {
  @Id('The evaluation id.', { numeric: true }) id!: string
  @Ref(() => ModelVersion, 'version', 'The version evaluated.', { inverse: 'evaluations' }) versionId!: string
  @Hash('The rubric that was run.') rubricHash!: string
  @Text('The metric’s name.', { index: true }) metric!: string
  @Wei('The score, in ppm.') score!: bigint
  @Wei('Lower bound of its 95 % interval, in ppm.') lower!: bigint
  @Wei('Upper bound, in ppm.') upper!: bigint
  @Integer('Items evaluated.') n!: number
  @Hash('The log: salted hashes of the items, scores and seed; the rest is sealed.') logHash!: string
  @Time('When it was logged.') loggedAt!: Date
}
