import { GraphQLDateTimeISO } from 'graphql-scalars'
import { Field, InputType, Int } from 'type-graphql'

@InputType({ description: 'A point in the chain: give exactly one of the three fields.' })
export class AsOfInput {
  @Field(() => Int, { nullable: true, description: 'As of the end of this block.' })
  block?: number | null
  @Field(() => String, {
    nullable: true,
    description: 'As of the end of the block with this hash, which must be part of the chain.',
  })
  hash?: string | null
  @Field(() => GraphQLDateTimeISO, {
    nullable: true,
    description:
      'As of this time. A future time gives the present rows with states evaluated at that time, for Governors with a timestamp clock only: future blocks have no time yet.',
  })
  time?: Date | null
}

/** The options of the argument `asOf` on queries of off-chain rows. */
export const AS_OF_ARG_OFF_CHAIN = {
  nullable: true,
  description:
    'The point in the chain for related on-chain rows, also in filters; the present when absent. The off-chain rows themselves are always the present ones.',
} as const

/** The options of every other argument `asOf`. */
export const AS_OF_ARG = {
  nullable: true,
  description: 'The point in the chain as of which the result is given; the present when absent.',
} as const
