import { Arg, Ctx, FieldResolver, ID, Mutation, Resolver, Root } from 'type-graphql'
import type { EndpointCallers } from '#schema/offchain/access.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { type Caller, callerAccount, requireAccount, requireKey } from '../access.ts'
import { viewerOf } from '../confidential.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import type { LoadedRow } from '../query/page.ts'
import { MAX_CALLERS, requireEndpoint, setCallers } from './endpointCallers.ts'
import { requireHosted } from './hosted.ts'

@Resolver()
export class EndpointCallersCommand {
  @Mutation(() => Endpoint, {
    description:
      'Sets who may call an endpoint, by GraphQL, HTTP and the Model Context Protocol alike. For its host, and for operators. Calls that were accepted before go on.',
  })
  async setEndpointCallers(
    @Arg('endpointId', () => ID, { description: 'Whose callers are set.' }) endpointId: string,
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Setting a list twice has the same effect as once.',
    })
    _key: string,
    @Ctx() { caller, db, reader, auth, deployment }: ApiContext,
    @Arg('accounts', () => [String], {
      nullable: true,
      description: `The accounts that may call it beside its host, at most ${MAX_CALLERS}; a key acts for its account. Without a list, everybody may.`,
    })
    accounts?: string[] | null,
  ) {
    requireKey(caller)
    if (auth === 'open')
      throw new ApiError(
        'KEYS_REQUIRED',
        'This API does not know who asks, so it can keep nobody away. Its operator can require keys (MODELCOMMONS_AUTH=keys).',
      )
    const host = await requireEndpoint(db, endpointId)
    requireAccount(caller, host)
    requireHosted(deployment.hosts ?? [], { id: endpointId, host })
    await setCallers(db, endpointId, accounts ?? null, callerAccount(caller))
    const table = tableFor(Endpoint)
    return reader.one('setEndpointCallers', table, await reader.asOf(), table.columns, endpointId)
  }
}

@Resolver(() => Endpoint)
export class EndpointCallersResolver {
  @FieldResolver(() => Boolean, {
    description:
      'Whether only accounts that its host has listed may call it. A fact of now, as of whatever block is asked.',
  })
  async isRestricted(@Root() { id }: LoadedRow, @Ctx() context: ApiContext): Promise<boolean> {
    return (await callersOf(context, id)) !== undefined
  }

  @FieldResolver(() => [String], {
    nullable: true,
    description:
      'The accounts that may call it beside its host, for its host and operators. Null for others, and where everybody may call it.',
  })
  async callers(@Root() { id, host }: LoadedRow, @Ctx() context: ApiContext): Promise<string[] | null> {
    if (!mayReadList(context.caller, String(host))) return null
    return (await callersOf(context, id))?.accounts ?? null
  }
}

const mayReadList = (caller: Caller, host: string) =>
  viewerOf(caller) === 'all' || callerAccount(caller) === host.toLowerCase()

type List = Pick<EndpointCallers, 'accounts'>

/** For all endpoints of a list in one statement. */
function callersOf({ reader, db }: ApiContext, id: string): Promise<List | undefined> {
  const loader = reader.batched<List>('endpointCallers', async (ids) => {
    const { rows } = await db.query<List & { id: string }>(
      'select id, accounts from endpoint_callers where id = any($1)',
      [ids],
    )
    return new Map(rows.map((one) => [one.id, one]))
  })
  return loader.load(id)
}
