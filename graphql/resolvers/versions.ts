import type { GraphQLResolveInfo } from 'graphql'
import { Arg, Ctx, Extensions, FieldResolver, Info, Int, Resolver, Root } from 'type-graphql'
import { MAX_DEPTH } from '#rules/lineage.ts'
import type { ColumnDefinition } from '#schema/define.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { listLength } from '../plugins/listLength.ts'
import { tableFor } from '../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../query/page.ts'
import { columnsBelow } from '../query/selection.ts'
import { listColumns, type Statement } from '../query/statement.ts'

/** The maximum number of generations that one query follows, and of versions that it returns for each start. */
export const MAX_QUERY_DEPTH = 64
const MAX_DESCENDANTS = 1000

type Direction = 'ancestors' | 'descendants'

@Resolver(() => ModelVersion)
export class VersionResolver {
  @FieldResolver(() => [ModelVersion], {
    description: 'The versions from which it descends, nearest first.',
    complexity: 10,
  })
  @Extensions(listLength(({ depth = MAX_DEPTH }) => depth))
  ancestors(
    @Root() row: LoadedRow,
    @Arg('depth', () => Int, {
      nullable: true,
      description: `The number of generations: ${MAX_DEPTH} when absent, at most ${MAX_QUERY_DEPTH}.`,
    })
    depth: number | undefined,
    @Ctx() context: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ) {
    return family('ancestors', row, depth, context, info)
  }

  @FieldResolver(() => [ModelVersion], {
    description: `The versions that descend from it, nearest first, at most ${MAX_DESCENDANTS}.`,
    complexity: 10,
  })
  @Extensions(listLength(() => MAX_DESCENDANTS))
  descendants(
    @Root() row: LoadedRow,
    @Arg('depth', () => Int, {
      nullable: true,
      description: `The number of generations: ${MAX_DEPTH} when absent, at most ${MAX_QUERY_DEPTH}.`,
    })
    depth: number | undefined,
    @Ctx() context: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ) {
    return family('descendants', row, depth, context, info)
  }
}

export function checkDepth(depth: number | null | undefined): number {
  const levels = depth ?? MAX_DEPTH
  if (levels < 0 || levels > MAX_QUERY_DEPTH)
    throw new ApiError('BAD_INPUT', `depth must be from 0 to ${MAX_QUERY_DEPTH}; got ${levels}.`)
  return levels
}

/** The ancestors or descendants, for all versions of a list in one recursive statement. */
async function family(
  direction: Direction,
  row: LoadedRow,
  depth: number | undefined,
  { reader }: ApiContext,
  info: GraphQLResolveInfo,
): Promise<LoadedRow[]> {
  const levels = checkDepth(depth)
  const table = tableFor(ModelVersion)
  const asOf = row[ROW_AS_OF]
  const found = await reader.forField<LoadedRow[]>(info, asOf, row.id, async (roots, statement) => {
    const text = familySql(statement, direction, roots, levels, columnsBelow(table, info))
    const rows = await reader.read(table, asOf, statement, text)
    const lines = new Map<string, LoadedRow[]>()
    for (const one of rows) lines.set(one.$root as string, [...(lines.get(one.$root as string) ?? []), one])
    return lines
  })
  return found ?? []
}

function familySql(
  statement: Statement,
  direction: Direction,
  roots: readonly string[],
  levels: number,
  columns: readonly ColumnDefinition[],
) {
  const table = tableFor(ModelVersion)
  const start = statement.bind(roots, 'text[]')
  const deepest = statement.bind(levels, 'integer')
  const step =
    direction === 'ancestors'
      ? `select w.root, p.parent_id, w.depth + 1 from walk w join model_version p on p.id = w.id and ${statement.visibleAt(table, 'p')}
         where p.parent_id is not null and w.depth < ${deepest}`
      : `select w.root, c.id, w.depth + 1 from walk w join model_version c on c.parent_id = w.id and ${statement.visibleAt(table, 'c')}
         where w.depth < ${deepest}`
  return `with recursive walk(root, id, depth) as (select r, r, 0 from unnest(${start}) r union all ${step})
    select r.* from unnest(${start}) as start(id) cross join lateral (
      select walk.root as "$root", ${listColumns('t', columns)} from walk join model_version t on t.id = walk.id and ${statement.visibleAt(table, 't')}
      where walk.root = start.id and walk.depth > 0 order by walk.depth, length(t.id), t.id limit ${MAX_DESCENDANTS}) r`
}
