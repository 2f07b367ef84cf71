import { GraphQLDateTimeISO } from 'graphql-scalars'
import { Field, InputType, Int } from 'type-graphql'

@InputType({ description: 'A moment of the chain: exactly one of the three.' })
export class AsOfInput {
  @Field(() => Int, { nullable: true, description: 'Up to and including this block.' })
  block?: number | null
  @Field(() => String, {
    nullable: true,
    description: 'Up to and including the block with this hash, which must be part of the chain.',
  })
  hash?: string | null
  @Field(() => GraphQLDateTimeISO, {
    nullable: true,
    description:
      'Up to this time; a time to come asks what the present will have become by then, to Governors whose clock is one of seconds: blocks to come have no time yet.',
  })
  time?: Date | null
}

/** The same for rows that stand outside of the chain. */
export const AS_OF_ARG_OFF_CHAIN = {
  nullable: true,
  description:
    'The moment at which what stands on chain is told, and filtered by; the present when absent. The rows themselves are told as they are now.',
} as const

/** How the argument `asOf` is declared wherever there is one. */
export const AS_OF_ARG = {
  nullable: true,
  description: 'The moment at which the answer holds; the present when absent.',
} as const
