import type { EntityClass } from '#schema/define.ts'
import { isRemoved } from '#schema/offchain/removals.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Judgement } from '#schema/onchain/feedback.ts'
import { Holder, Proposal, Vote } from '#schema/onchain/governance.ts'
import { Model, ModelStake } from '#schema/onchain/models.ts'
import { isKeptFor } from '#schema/rows.ts'
import { MAX_SEARCHED, searchVector } from '#schema/searchVector.ts'
import { tableFor } from '../publicTables.ts'
import type { AsOf } from '../query/asOf.ts'
import { Statement } from '../query/statement.ts'

export const SEARCH_KINDS = ['account', 'model', 'proposal', 'sample'] as const
export type SearchKindName = (typeof SEARCH_KINDS)[number]

/** What a text asks for: documents with all of its words, each as a beginning; a row of this number; names that begin with these hexadecimal digits. */
export interface SearchTerms {
  words: readonly string[]
  number: string | undefined
  hex: string | undefined
}

export interface SearchRequest {
  terms: SearchTerms
  kinds: readonly SearchKindName[]
  size: number
  after: SearchPosition | undefined
}

/** The position of a hit: the highest score first, then kind and id. */
export interface SearchPosition {
  score: number
  kind: SearchKindName
  id: string
}

export interface SearchRow extends SearchPosition {
  label: string | null
  excerpt: string | null
}

/** Of more documents of a kind than this, the newest are ranked. */
export const MAX_RANKED = 10_000
const MAX_ACCOUNTS = 1_000

/** A name or number that is exactly the text, one that begins with it, and the best that words can get. */
const SCORE = { exact: 1_000_000, prefix: 950_000, words: 900_000 }

const CONTENT = `proposal_content kept on ${isKeptFor('p')}`
const SPECIFICATION = `search_text s on s.id = m.spec_hash and s.kind = 'specification'`
/** Only the texts of accepted samples: others may have anything in them. */
const SAMPLE = `search_text s on s.id = c.content_hash and s.kind = 'sample' and c.status = 'Accepted'`

const ACCOUNTS: [EntityClass, string][] = [
  [Contribution, 'contributor'],
  [Holder, 'account'],
  [Judgement, 'validator'],
  [Model, 'proposer'],
  [ModelStake, 'account'],
  [Proposal, 'proposer'],
  [Vote, 'voter'],
]

/** One page of a search as one statement; undefined when the text asks for nothing. */
export function searchSql(asOf: AsOf, request: SearchRequest): { text: string; values: unknown[] } | undefined {
  const { terms, kinds, size, after } = request
  const statement = new Statement(asOf)
  const visible = (entity: EntityClass, alias: string, joined = '') =>
    `"${tableFor(entity).table}" ${alias} ${joined} where ${statement.visibleAt(tableFor(entity), alias)}`
  const readable = `not ${isRemoved('c')}`
  const words =
    terms.words.length > 0 ? `to_tsquery('simple', ${statement.bind(queryOf(terms.words), 'text')})` : undefined
  const number = terms.number && statement.bind(terms.number, 'text')
  const hex =
    terms.hex === undefined
      ? undefined
      : { from: statement.bind(terms.hex, 'text'), to: statement.bind(`${terms.hex}g`, 'text') }
  const named = (column: string) =>
    hex && `(select case when ${column} = ${hex.from} then ${SCORE.exact} else ${SCORE.prefix} end)`
  const ranked = (kind: SearchKindName, id: string, text: string, from: string) =>
    words &&
    `(select '${kind}' as kind, ${id} as id, least(${SCORE.words}, round(ts_rank(${searchVector(text)}, ${words}) * 1000000))::int as score
      from ${from} and ${searchVector(text)} @@ ${words} order by length(${id}) desc, ${id} desc limit ${MAX_RANKED})`
  const numbered = (kind: SearchKindName, column: string, from: string, id: string) =>
    number && `(select '${kind}', ${id}, ${SCORE.exact} from ${from} and ${column} = ${number} limit ${MAX_RANKED})`
  const hits: Record<SearchKindName, (string | undefined)[]> = {
    model: [
      ranked('model', 'm.id', 's.text', visible(Model, 'm', `join ${SPECIFICATION}`)),
      numbered('model', 'm.id', visible(Model, 'm'), 'm.id'),
    ],
    proposal: [
      ranked('proposal', 'p.id', 'kept.description', visible(Proposal, 'p', `join ${CONTENT}`)),
      numbered('proposal', 'p.on_chain_id', visible(Proposal, 'p'), 'p.id'),
    ],
    sample: [
      ranked('sample', 'c.id', 's.text', `${visible(Contribution, 'c', `join ${SAMPLE}`)} and ${readable}`),
      numbered('sample', 'c.id', `${visible(Contribution, 'c')} and ${readable}`, 'c.id'),
      hex &&
        `(select 'sample', c.id, ${named('c.content_hash')} from ${visible(Contribution, 'c')} and ${readable}
          and c.content_hash >= ${hex.from} and c.content_hash < ${hex.to} order by length(c.id) desc, c.id desc limit ${MAX_RANKED})`,
    ],
    account: hex
      ? ACCOUNTS.map(([entity, column]) => {
          const next = (after: string) =>
            `select min(x.${column}) from ${visible(entity, 'x')} and x.${column} ${after} and x.${column} < ${hex.to}`
          return `(with recursive a(id) as ((${next(`>= ${hex.from}`)}) union all select (${next('> a.id')}) from a where a.id is not null)
            select 'account', id, ${named('id')} from a where id is not null limit ${MAX_ACCOUNTS})`
        })
      : [],
  }
  const selected = kinds.flatMap((kind) => hits[kind].filter((one) => one !== undefined))
  if (selected.length === 0) return undefined
  const text = `with hit(kind, id, score) as (${selected.join(' union all ')}),
    page as (select * from (select kind, id, max(score) as score from hit group by kind, id) h
      where ${after ? keyset(statement, after) : 'true'} order by score desc, kind, length(id), id limit ${size + 1})
    select page.*, d.label, ${words ? `case when d.body is not null then ts_headline('simple', left(d.body, ${MAX_SEARCHED}), ${words}, '${HEADLINE}') end` : 'left(d.body, 200)'} as excerpt
    from page left join lateral (
      select split_part(s.text, E'\\n', 1) as label, s.text as body from ${visible(Model, 'm', `left join ${SPECIFICATION}`)} and page.kind = 'model' and m.id = page.id
      union all select left(kept.description, 120), kept.description from ${visible(Proposal, 'p', `join ${CONTENT}`)} and page.kind = 'proposal' and p.id = page.id
      union all select c.contributor, s.text from ${visible(Contribution, 'c', `left join ${SAMPLE}`)} and page.kind = 'sample' and c.id = page.id
    ) d on true order by score desc, kind, length(id), id`
  return { text, values: statement.values }
}

const HEADLINE = 'StartSel="", StopSel="", MaxWords=30, MinWords=10'

/** Every word, as a beginning. The words have letters and digits only, so that nothing in them is an operator. */
const queryOf = (words: readonly string[]) =>
  words
    .map(
      (word) =>
        `(${spellings(word)
          .map((one) => `'${one}':*`)
          .join(' | ')})`,
    )
    .join(' & ')

/** PostgreSQL ignores the case of letters outside ASCII only where the database's locale does: the usual spellings are looked for, too. */
function spellings(word: string): string[] {
  const [first = '', ...rest] = word.toLowerCase()
  return [...new Set([word.toLowerCase(), first.toUpperCase() + rest.join(''), word.toUpperCase()])].filter(
    (one, i) => i === 0 || /[^\0-\x7f]/.test(one),
  )
}

function keyset(statement: Statement, { score, kind, id }: SearchPosition): string {
  const value = statement.bind(score, 'integer')
  const place = statement.bind(id, 'text')
  return `(score < ${value} or (score = ${value} and (kind, length(id), id) > (${statement.bind(kind, 'text')}, length(${place}), ${place})))`
}
