import type { GraphQLResolveInfo } from 'graphql'
import {
  Arg,
  Ctx,
  Extensions,
  Field,
  FieldResolver,
  ID,
  Info,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql'
import { declareEnum } from '#schema/declareEnum.ts'
import type { EntityClass } from '#schema/define.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Proposal } from '#schema/onchain/governance.ts'
import { Model } from '#schema/onchain/models.ts'
import type { ApiContext } from '../context.ts'
import { PageInfo } from '../derive/connections.ts'
import { NodeInterface } from '../derive/node.ts'
import { ApiError } from '../errors.ts'
import { listLengthFrom } from '../plugins/listLength.ts'
import { tableFor } from '../publicTables.ts'
import type { AsOf } from '../query/asOf.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { encodeCursor, parseCursor } from '../query/order.ts'
import { fieldKeyOf } from '../query/selection.ts'
import { requestedSize } from './governance/snapshot.ts'
import {
  MAX_RANKED,
  SEARCH_KINDS,
  type SearchKindName,
  type SearchPosition,
  type SearchRow,
  type SearchTerms,
  searchSql,
} from './searchSql.ts'

const MAX_TEXT = 200
const MAX_HITS = 100
/** Fewer hexadecimal digits begin too many names. */
const MIN_DIGITS = 4

const Kinds = declareEnum<SearchKindName>('SearchKind', 'What a search looks through.', {
  account: 'Accounts that contributed, proposed, voted, judged, staked or hold votes, by the beginning of the address.',
  model: 'Models by the name and the purpose that their specifications state, and by id.',
  proposal: 'Proposals by their description, and by their id at the Governor.',
  sample:
    'Accepted samples by prompt and completion; all samples that are not removed by id and by the beginning of the hash.',
})

const ENTITIES: Partial<Record<SearchKindName, EntityClass>> = {
  model: Model,
  proposal: Proposal,
  sample: Contribution,
}

@ObjectType({ description: 'Something that a search found.', simpleResolvers: true })
export class SearchHit {
  @Field(() => Kinds, { description: 'What it is.' }) kind!: SearchKindName
  @Field(() => ID, { description: 'Its id; of an account the address, of a sample the contribution’s.' }) id!: string
  @Field(() => String, {
    nullable: true,
    description: 'A model’s name, the beginning of a proposal, or who gave a sample.',
  })
  label!: string | null
  @Field(() => String, { nullable: true, description: 'The part of its text that fits best, where there is one.' })
  excerpt!: string | null
  @Field(() => Int, {
    description:
      'How well it fits: 1,000,000 for exactly this id, hash or address, 950,000 for a beginning of one, less for words.',
  })
  score!: number
  asOf!: AsOf
}

@ObjectType('SearchPage', { description: 'A page of what a search found, the best first.', simpleResolvers: true })
export class SearchPage {
  @Field(() => [SearchHit], { description: 'The hits: by score, then by kind and id.' }) nodes!: SearchHit[]
  @Field(() => PageInfo, { description: 'The position of the page among all hits.' }) pageInfo!: PageInfo
}

@Resolver(() => SearchHit)
export class SearchResolver {
  @Query(() => SearchPage, {
    description: `Models, proposals, accounts and samples with all words of a text, each as the beginning of a word, or with this id, hash or address, of which ${MIN_DIGITS} digits after 0x are enough. Only what everybody may read. Of more than ${MAX_RANKED.toLocaleString('en')} documents of one kind the newest are ranked.`,
    complexity: 200,
  })
  @Extensions(listLengthFrom('first'))
  async search(
    @Arg('text', () => String, { description: `What to look for: at most ${MAX_TEXT} characters.` }) text: string,
    @Arg('kinds', () => [Kinds], { nullable: true, description: 'What to look through; everything when absent.' })
    kinds: SearchKindName[] | undefined,
    @Arg('first', () => Int, {
      nullable: true,
      description: `The number of hits: 20 when absent, at most ${MAX_HITS}.`,
    })
    first: number | undefined,
    @Arg('after', () => String, { nullable: true, description: 'Only hits after this cursor.' })
    after: string | undefined,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { reader, db }: ApiContext,
  ): Promise<SearchPage> {
    const size = requestedSize('first', first)
    if (size > MAX_HITS) throw new ApiError('PAGE_TOO_LARGE', `first is at most ${MAX_HITS} in a search; got ${size}.`)
    if (text.length > MAX_TEXT)
      throw new ApiError('BAD_INPUT', `text has ${text.length} characters; at most ${MAX_TEXT} are searched for.`)
    const asked = SEARCH_KINDS.filter((kind) => !kinds || kinds.includes(kind))
    const signature = `Search:${asked}:${text}`
    const position = after ? readPosition(signature, after) : undefined
    const asOf = await reader.asOf(asOfInput)
    const statement = searchSql(asOf, { terms: termsOf(text), kinds: asked, size, after: position })
    const rows: SearchRow[] = statement ? (await db.query(statement)).rows : []
    const nodes = rows.slice(0, size).map((row): SearchHit => ({ ...row, asOf }))
    const cursor = (hit: SearchHit | undefined) =>
      hit ? encodeCursor({ signature }, [String(hit.score), hit.kind, hit.id]) : null
    return {
      nodes,
      pageInfo: {
        ...{ hasNextPage: rows.length > size, hasPreviousPage: position !== undefined },
        ...{ startCursor: cursor(nodes[0]), endCursor: cursor(nodes.at(-1)) },
      },
    }
  }

  @FieldResolver(() => NodeInterface, { nullable: true, description: 'The entity; null for an account.' })
  entity(@Root() { kind, id, asOf }: SearchHit, @Ctx() { reader }: ApiContext, @Info() info: GraphQLResolveInfo) {
    const entity = ENTITIES[kind]
    if (!entity) return null
    const table = tableFor(entity)
    return reader.one(fieldKeyOf(info), table, asOf, table.columns, id)
  }
}

function termsOf(text: string): SearchTerms {
  const trimmed = text.trim()
  const hex = /^0x[0-9a-f]{1,64}$/i.test(trimmed) ? trimmed.toLowerCase() : undefined
  return {
    words: text.normalize('NFC').match(/[\p{L}\p{N}\p{M}]+/gu) ?? [],
    number: /^\d{1,78}$/.test(trimmed) ? trimmed : undefined,
    hex: hex && hex.length >= MIN_DIGITS + 2 ? hex : undefined,
  }
}

/** @throws ApiError when the text is no cursor of this search. */
function readPosition(signature: string, cursor: string): SearchPosition {
  const [of, score, kind, id, ...more] = parseCursor(cursor) ?? []
  const known = SEARCH_KINDS.find((one) => one === kind)
  if (of !== signature || !known || !/^\d{1,7}$/.test(score ?? '') || !id || id.includes('\0') || more.length > 0)
    throw new ApiError('BAD_CURSOR', 'The cursor cannot be read, or is of another search. Start again without it.')
  return { score: Number(score), kind: known, id }
}
