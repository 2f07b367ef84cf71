import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import { DataWithdrawal, Takedown } from '#schema/offchain/removals.ts'
import { callerAccount, requireOperator } from '../access.ts'
import type { ApiContext } from '../context.ts'
import { tableFor } from '../publicTables.ts'
import { type LoadedRow, ROW_AS_OF, ROW_TABLE } from '../query/page.ts'
import { liftTakedown, MAX_REMOVAL_REASON, recordWithdrawal, takeDown } from './removalControl.ts'

const KEY = 'Identifies this request. Sending it twice has the same effect as once.'
const REASON = `Why, for everybody to read: at most ${MAX_REMOVAL_REASON} characters. Do not repeat the content.`

@Resolver()
export class RemovalCommands {
  @Mutation(() => Takedown, {
    description:
      'Takes a sample down: it is served no more, no dataset to come has it, and the versions that learned from it are marked. No reward changes. For operators.',
  })
  async takeDown(
    @Arg('contentHash', () => ID, { description: 'The `contentHash` of the contribution.' }) contentHash: string,
    @Arg('reason', () => String, { description: REASON }) reason: string,
    @Arg('idempotencyKey', () => String, { description: KEY }) _key: string,
    @Ctx() context: ApiContext,
  ): Promise<Takedown> {
    requireOperator(context.caller)
    return takeDown(context, { contentHash, reason, actor: actorOf(context) })
  }

  @Mutation(() => Takedown, { description: 'Lifts a takedown; its record stays. For operators.' })
  async liftTakedown(
    @Arg('contentHash', () => ID, { description: 'The `contentHash` of the sample that was taken down.' })
    contentHash: string,
    @Arg('reason', () => String, { description: REASON }) reason: string,
    @Arg('idempotencyKey', () => String, { description: KEY }) _key: string,
    @Ctx() context: ApiContext,
  ): Promise<Takedown> {
    requireOperator(context.caller)
    return liftTakedown(context.db, { contentHash, reason, actor: actorOf(context) })
  }

  @Mutation(() => [DataWithdrawal], {
    description:
      'Withdraws contributions for good: no dataset to come has them, and the versions that learned from them are marked. Their contributor signs (EIP-712 `Withdrawal`; a contract wallet by ERC-1271): no key is needed, and none is enough. What they have earned stays.',
  })
  async withdrawContributions(
    @Arg('contributionIds', () => [ID], { description: 'The ids of contributions of one account.' }) ids: string[],
    @Arg('reason', () => String, { description: REASON }) reason: string,
    @Arg('signature', () => String, {
      description: 'The contributor’s signature of exactly these ids and this reason.',
    })
    signature: string,
    @Arg('idempotencyKey', () => String, { description: KEY }) _key: string,
    @Ctx() { db, deployment, reader, verifySignature }: ApiContext,
  ): Promise<LoadedRow[]> {
    const registry = deployment.addresses.DatanetRegistry ?? ''
    const place = { db, verifySignature, chainId: deployment.chainId, registry }
    const withdrawn = await recordWithdrawal(place, { ids, reason, signature })
    const asOf = await reader.asOf()
    return withdrawn.map((one) => ({ ...one, [ROW_AS_OF]: asOf, [ROW_TABLE]: tableFor(DataWithdrawal) }))
  }
}

const actorOf = ({ caller }: ApiContext) => callerAccount(caller) ?? 'an operator without a key'
