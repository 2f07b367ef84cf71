import { Address, Choice, Hash, Id, Integer, OnChain, Ref, Text, Time, Versioned, Wei } from '../define.ts'
import { Proposal } from './governance.ts'

export const BOND_STATUS = ['Locked', 'Returned', 'Slashed'] as const
export const VERSION_STATUS = ['Registered', 'Promoted', 'RolledBack'] as const

@OnChain('A proposed model: what it is for, who stands behind it with a bond.')
export class Model extends Versioned {
  @Id('The model id.', { numeric: true }) id!: string
  @Address('Who proposed it and owns it.', { index: true }) proposer!: string
  @Ref(() => Proposal, 'proposal', 'The vote on it.', { inverse: 'models' }) proposalId!: string
  @Hash('The specification artifact.') specHash!: string
  @Text('Where the specification may also be read.') specUri!: string
  @Wei('The bond locked.') bond!: bigint
  @Wei('Of the bond, returned.') bondReturned!: bigint
  @Wei('Of the bond, slashed.') bondSlashed!: bigint
  @Choice('BondStatus', BOND_STATUS, 'What became of the bond.') bondStatus!: (typeof BOND_STATUS)[number]
  @Wei('Staked on the model now.') staked!: bigint
  @Ref(() => ModelVersion, 'liveVersion', 'The promoted version that serves.', { nullable: true }) liveVersionId!:
    | string
    | null
  @Time('When it was proposed.') proposedAt!: Date
}

@OnChain('A passed proposal made binding: budget, rubric, split and deadline.')
export class Mandate extends Versioned {
  @Id('The model id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'The model.', { inverse: 'mandates' }) modelId!: string
  @Ref(() => Proposal, 'proposal', 'The vote that issued it.') proposalId!: string
  @Wei('The budget voted.') budget!: bigint
  @Wei('Funded so far.') funded!: bigint
  @Wei('Spent so far.') spent!: bigint
  @Hash('The evaluation rubric.') rubricHash!: string
  @Hash('The revenue split.') splitHash!: string
  @Time('Until when it binds.') deadline!: Date
  @Time('When it was issued.') issuedAt!: Date
}

@OnChain('A target of the rubric: a version may serve only if the metric’s lower bound reaches it.')
export class Target extends Versioned {
  @Id('`model-metric`.') id!: string
  @Ref(() => Model, 'model', 'The model.', { inverse: 'targets' }) modelId!: string
  @Text('The metric’s name.') metric!: string
  @Wei('The least lower confidence bound, in ppm.') minimum!: bigint
}

@OnChain('How a model’s revenue is split, in basis points.')
export class RewardSplit extends Versioned {
  @Id('The model id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'The model.', { inverse: 'splits' }) modelId!: string
  @Hash('The split’s hash, named by the mandate.') splitHash!: string
  @Integer('To the treasury, of all fees.') platform!: number
  @Integer('To the model’s owner, of the rest.') owner!: number
  @Integer('To its stakers, of the rest.') stakers!: number
  @Integer('To its data contributors, of the rest.') data!: number
  @Integer('To its validators, of the rest.') validators!: number
  @Integer('To the endpoint’s host, of the rest.') host!: number
  @Integer('Of the rest, first passed to the versions it came from.') ancestors!: number
  @Integer('Of data’s part, by version weight; the remainder by answer-time influence.') dataByWeight!: number
  @Address('Where unattributed mass goes; the zero address is the treasury.') unattributed!: string
}

@OnChain('Money into or out of a mandate’s budget.')
export class BudgetEntry extends Versioned {
  @Id('The event’s id.') id!: string
  @Ref(() => Model, 'model', 'The model.', { inverse: 'budgetEntries' }) modelId!: string
  @Choice('BudgetDirection', ['Funded', 'Spent'], 'In or out.') direction!: 'Funded' | 'Spent'
  @Address('Who paid or was paid.', { index: true }) account!: string
  @Text('What for.') purpose!: string
  @Wei('How much.') amount!: bigint
  @Time('When.') at!: Date
}

@OnChain('An account’s stake on a model.')
export class ModelStake extends Versioned {
  @Id('`model-account`.') id!: string
  @Ref(() => Model, 'model', 'The model.', { inverse: 'stakes' }) modelId!: string
  @Address('Who staked.', { index: true }) account!: string
  @Wei('How much is staked now.') amount!: bigint
}

@OnChain('A trained version of a model: an adapter with the manifest of the run that made it.')
export class ModelVersion extends Versioned {
  @Id('The version id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'The model.', { inverse: 'versions' }) modelId!: string
  @Ref(() => ModelVersion, 'parent', 'The version it was trained from.', { nullable: true, inverse: 'children' })
  parentId!: string | null
  @Text('How it was trained: sft, dpo, grpo, rloo.') method!: string
  @Hash('The root of the exact, ordered dataset.') datasetRoot!: string
  @Hash('The run’s manifest.') manifestHash!: string
  @Hash('The adapter’s weights.') adapterHash!: string
  @Choice('VersionStatus', VERSION_STATUS, 'Where it stands.') status!: (typeof VERSION_STATUS)[number]
  @Text('Why it was rolled back.', { nullable: true }) rollbackReason!: string | null
  @Time('When it was registered.') registeredAt!: Date
  @Time('When it was promoted.', { nullable: true }) promotedAt!: Date | null
}

@OnChain('One metric of one evaluation of a version, with its confidence interval. All scores in ppm.')
export class Evaluation extends Versioned {
  @Id('The evaluation id.', { numeric: true }) id!: string
  @Ref(() => ModelVersion, 'version', 'The version evaluated.', { inverse: 'evaluations' }) versionId!: string
  @Hash('The rubric that was run.') rubricHash!: string
  @Text('The metric’s name.', { index: true }) metric!: string
  @Wei('The score, in ppm.') score!: bigint
  @Wei('Lower bound of its 95 % interval, in ppm.') lower!: bigint
  @Wei('Upper bound, in ppm.') upper!: bigint
  @Integer('Items evaluated.') n!: number
  @Hash('The full log.') logHash!: string
  @Time('When it was logged.') loggedAt!: Date
}
