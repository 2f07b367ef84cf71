import type { GraphQLResolveInfo } from 'graphql'
import { Arg, Ctx, Extensions, FieldResolver, Info, Int, Resolver, Root } from 'type-graphql'
import { MAX_DEPTH } from '#rules/lineage.ts'
import type { ColumnDefinition } from '#schema/define.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../names.ts'
import { holds } from '../plugins/limits.ts'
import { AT, type Row } from '../query/page.ts'
import { columnsBelow, siteOf } from '../query/selection.ts'
import { listColumns, Statement } from '../query/statement.ts'

/** The deepest line that one query follows, and the most versions it returns for each it starts from. */
export const DEEPEST = 64
const WIDEST = 1000

type Way = 'ancestors' | 'descendants'

@Resolver(() => ModelVersion)
export class VersionFacts {
  @FieldResolver(() => [ModelVersion], { description: 'The versions it came from, nearest first.', complexity: 10 })
  @Extensions(holds(({ depth = MAX_DEPTH }) => depth))
  ancestors(
    @Root() row: Row,
    @Arg('depth', () => Int, {
      nullable: true,
      description: `How many generations: ${MAX_DEPTH} when absent, at most ${DEEPEST}.`,
    })
    depth: number | undefined,
    @Ctx() context: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ) {
    return family('ancestors', row, depth, context, info)
  }

  @FieldResolver(() => [ModelVersion], {
    description: `The versions that came from it, nearest first, at most ${WIDEST}.`,
    complexity: 10,
  })
  @Extensions(holds(() => WIDEST))
  descendants(
    @Root() row: Row,
    @Arg('depth', () => Int, {
      nullable: true,
      description: `How many generations: ${MAX_DEPTH} when absent, at most ${DEEPEST}.`,
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
  if (levels < 0 || levels > DEEPEST) throw new ApiError('BAD_INPUT', `depth is from 0 to ${DEEPEST}; got ${levels}.`)
  return levels
}

/** Every version's line, for all versions of a list in one recursive statement. */
async function family(
  way: Way,
  row: Row,
  depth: number | undefined,
  { reader }: ApiContext,
  info: GraphQLResolveInfo,
): Promise<Row[]> {
  const levels = checkDepth(depth)
  const table = tableFor(ModelVersion)
  const moment = row[AT]
  const loader = reader.batched<Row[]>(`${siteOf(info)}@${moment.block}`, async (roots) => {
    const statement = new Statement(moment)
    const text = familySql(statement, way, roots, levels, columnsBelow(table, info))
    const rows = await reader.read(table, moment, statement, text)
    const lines = new Map<string, Row[]>()
    for (const one of rows) lines.set(one.$root as string, [...(lines.get(one.$root as string) ?? []), one])
    return lines
  })
  return (await loader.load(row.id)) ?? []
}

function familySql(
  statement: Statement,
  way: Way,
  roots: readonly string[],
  levels: number,
  columns: readonly ColumnDefinition[],
) {
  const table = tableFor(ModelVersion)
  const start = statement.bind(roots, 'text[]')
  const deepest = statement.bind(levels, 'integer')
  const step =
    way === 'ancestors'
      ? `select w.root, p.parent_id, w.depth + 1 from walk w join model_version p on p.id = w.id and ${statement.stands(table, 'p')}
         where p.parent_id is not null and w.depth < ${deepest}`
      : `select w.root, c.id, w.depth + 1 from walk w join model_version c on c.parent_id = w.id and ${statement.stands(table, 'c')}
         where w.depth < ${deepest}`
  return `with recursive walk(root, id, depth) as (select r, r, 0 from unnest(${start}) r union all ${step})
    select r.* from unnest(${start}) as start(id) cross join lateral (
      select walk.root as "$root", ${listColumns('t', columns)} from walk join model_version t on t.id = walk.id and ${statement.stands(table, 't')}
      where walk.root = start.id and walk.depth > 0 order by walk.depth, length(t.id), t.id limit ${WIDEST}) r`
}
