import { ApiError } from '../errors.ts'
import { encodeCursor, type Key, parseCursor } from '../query/order.ts'
import { amountKind, LINEAGE_RELATIONS, type RelationName } from './lineageRelations.ts'

/** The position of an edge in a lineage: its relation, then its amount, largest first, then its ends. */
export interface LineagePosition {
  relation: RelationName
  amount: string | null
  fromId: string
  toId: string
}

/** `signature` identifies the lineage: a cursor of another one is refused. */
export const lineageCursor = (signature: string, { relation, amount, fromId, toId }: LineagePosition): string =>
  encodeCursor({ signature }, [relation, amount, fromId, toId])

/** @throws ApiError when the text is no cursor of this lineage. */
export function readLineageCursor(signature: string, cursor: string): LineagePosition {
  const [of, relation, amount, fromId, toId, ...more] = parseCursor(cursor) ?? []
  if (of === undefined || of === null)
    throw new ApiError('BAD_CURSOR', 'The cursor cannot be read. Pass one that this lineage returned, unchanged.')
  if (of !== signature)
    throw new ApiError(
      'BAD_CURSOR',
      'The cursor belongs to another lineage, direction or depth. Start again without it.',
    )
  if (!isRelation(relation) || !isAmount(relation, amount) || !isId(fromId) || !isId(toId) || more.length > 0)
    throw new ApiError('BAD_CURSOR', 'The cursor cannot be read. Pass one that this lineage returned, unchanged.')
  return { relation, amount, fromId, toId }
}

const isRelation = (text: Key | undefined): text is RelationName =>
  typeof text === 'string' && Object.hasOwn(LINEAGE_RELATIONS, text)

const SHAPE = { bigint: /^-?\d{1,18}$/, numeric: /^-?\d{1,78}$/ }

function isAmount(relation: RelationName, text: Key | undefined): text is Key {
  const kind = amountKind(relation)
  if (text === null) return kind === null || kind.nullable === true
  return kind !== null && text !== undefined && SHAPE[kind.type].test(text)
}

const isId = (text: Key | undefined): text is string => typeof text === 'string' && !text.includes('\0')
