import { Address, Hash, Id, OffChain, Ref, Text, Time } from '../define.ts'
import { Contribution } from '../onchain/datanets.ts'

/** What leaves the next dataset without the chain saying so. Neither changes a reward: those follow from the chain and from manifests that stand. */

@OffChain(
  'A sample that the operator took down: its bytes are served no more, no dataset to come has it, and the versions that learned from it are marked.',
)
export class Takedown {
  @Id('The keccak256 of the sample.') id!: string
  @Text('Who took it down: the account of the operator’s key, or the operator’s command line.') actor!: string
  @Text('Why, for everybody to read.') reason!: string
  @Time('When it was taken down.') at!: Date
  @Text('Who lifted it; null while it is in force.', { nullable: true }) liftedBy!: string | null
  @Text('Why it was lifted.', { nullable: true }) liftReason!: string | null
  @Time('When it was lifted.', { nullable: true }) liftedAt!: Date | null
}

@OffChain(
  'A contribution that its contributor withdrew: no dataset to come has it, and the versions that learned from it are marked. It cannot be undone.',
)
export class DataWithdrawal {
  @Id('The contribution id.', { numeric: true }) id!: string
  @Ref(() => Contribution, 'contribution', 'Which sample no longer counts.', { inverse: 'dataWithdrawals' })
  contributionId!: string
  @Address('Who gave the sample.', { index: true }) contributor!: string
  @Hash('The sample.', { index: true }) contentHash!: string
  @Text('Why, for everybody to read.') reason!: string
  @Text(
    'The contributor’s EIP-712 signature; null when it came with the contributor’s key, as an earlier release took it.',
    { nullable: true },
  )
  signature!: string | null
  @Time('When it was withdrawn.') at!: Date
}

/** SQL: whether the withdrawal in the row `w` is of this contribution: after a reorganisation another's may have its id. */
const isOf = (contribution: string) =>
  `w.id = ${contribution}.id and w.contributor = ${contribution}.contributor and w.content_hash = ${contribution}.content_hash`

/** SQL: the removals of contributions, one row each: `contribution_id`, `kind`, `reason`, `at`. */
export const REMOVALS = `(
  select c.id as contribution_id, 'TakenDown' as kind, t.reason, t.at
  from takedown t join contribution c on c.content_hash = t.id and c.to_block is null where t.lifted_at is null
  union all
  select w.contribution_id, 'Withdrawn', w.reason, w.at
  from data_withdrawal w join contribution c on ${isOf('c')} and c.to_block is null)`

/** SQL: for each endpoint whose version learned from removed data: `endpoint`, `host`, `version`, and how many contributions (`value`). */
export const ENDPOINTS_WITH_REMOVED_DATA = `
  select e.id as endpoint, e.host, e.version_id as version, count(distinct r.contribution_id)::int as value
  from ${REMOVALS} r join version_influence i on i.contribution_id = r.contribution_id
    join endpoint e on e.version_id = i.version_id and e.to_block is null
  group by e.id, e.host, e.version_id`

/** SQL: whether the contribution in the row `contribution` is in no dataset to come, though the chain may have accepted it. */
export const isRemoved = (contribution: string) =>
  `(exists (select 1 from takedown t where t.id = ${contribution}.content_hash and t.lifted_at is null)
    or exists (select 1 from data_withdrawal w where ${isOf(contribution)}))`

/** SQL: whether the sample of the name `$1` is served no more: it was taken down, or withdrawn by all who gave it and were not
 *  rejected: who copies a sample cannot keep it up. */
export const SAMPLE_REMOVED = `exists (select 1 from takedown where id = $1 and lifted_at is null)
  or (exists (select 1 from data_withdrawal where content_hash = $1)
    and not exists (select 1 from contribution c where c.content_hash = $1 and c.to_block is null and c.status <> 'Rejected'
      and not exists (select 1 from data_withdrawal w where ${isOf('c')})))`
