import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'

const parse = (value: unknown): bigint => {
  const text = typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : value
  if (typeof text === 'string' && /^-?\d{1,78}$/.test(text)) return BigInt(text)
  throw new GraphQLError(`Expected a whole number as a decimal string, got ${JSON.stringify(value) ?? typeof value}.`)
}

/** An integer of up to 256 bits, as a decimal string, because a JSON number is exact only up to 2⁵³. An unsafe JSON number is rejected. */
export const BigIntScalar = new GraphQLScalarType<bigint, string>({
  name: 'BigInt',
  description: 'An integer of up to 256 bits, as a decimal string. Money is in wei of gOPEN.',
  serialize: (value) => (typeof value === 'bigint' ? value : parse(value)).toString(), // a sum may be longer
  parseValue: parse,
  parseLiteral: (node) => {
    if (node.kind === Kind.INT || node.kind === Kind.STRING) return parse(node.value)
    throw new GraphQLError('Expected a whole number as a decimal string.', { nodes: node })
  },
})

const requireClock = (value: unknown): number => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new GraphQLError(`Expected a whole number from 0 to 2^53 - 1, got ${JSON.stringify(value) ?? typeof value}.`)
}

/** A clock value as a JSON number. A contract's value above 2⁵³ − 1 is stored as 2⁵³ − 1. */
export const ClockScalar = new GraphQLScalarType<number, number>({
  name: 'Clock',
  description:
    'A value of a Governor’s clock, in seconds since 1970 or as a block number: a whole number up to 2^53 - 1, which also represents every greater value.',
  serialize: requireClock,
  parseValue: requireClock,
  parseLiteral: (node) => {
    if (node.kind === Kind.INT) return requireClock(Number(node.value))
    throw new GraphQLError('Expected a whole number.', { nodes: node })
  },
})
