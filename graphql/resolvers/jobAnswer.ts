import { Ctx, Field, FieldResolver, ID, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { z } from 'zod'
import { JobRun } from '#schema/offchain/jobs.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import { mayRead } from '../confidential.ts'
import type { ApiContext } from '../context.ts'
import { tableFor } from '../publicTables.ts'
import type { LoadedRow } from '../query/page.ts'

@ObjectType({ description: 'What a call was answered, and what it costs.', simpleResolvers: true })
export class JobAnswer {
  @Field(() => ID, { description: 'The receipt of the call.' }) receiptId!: string
  @Field(() => String, { description: 'The answer of the model.' }) text!: string
  @Field(() => Int, { description: 'How many tokens the prompt has.' }) tokensIn!: number
  @Field(() => Int, { description: 'How many tokens the answer has.' }) tokensOut!: number
  @Field(() => BigIntScalar, { description: 'What the call costs, in wei.' }) fee!: bigint
  @Field(() => String, {
    nullable: true,
    description:
      'Why the answer ended: `stop`, `length` (its limit of tokens), or `cancelled`, when its consumer cut it.',
  })
  finish!: string | null
}

/** The result of an `infer` job, as far as everybody who may read it sees it. */
export const answeredCall = z.object({
  receiptId: z.string(),
  answer: z.string(),
  tokensIn: z.number(),
  tokensOut: z.number(),
  fee: z.string(),
  finish: z.string().nullish(),
})

@Resolver(() => JobRun)
export class JobAnswerResolver {
  @FieldResolver(() => JobAnswer, {
    nullable: true,
    description:
      'The answer of a job of the kind `infer`. Null while it is not answered, for other kinds, and unless the caller may read it: the consumer and operators.',
  })
  answer(@Root() row: LoadedRow, @Ctx() { caller }: ApiContext): JobAnswer | null {
    if (row.kind !== 'infer' || !mayRead(caller, tableFor(JobRun), row, 'result')) return null
    const parsed = answeredCall.safeParse(row.result)
    if (!parsed.success) return null
    const { answer: text, fee, finish = null, ...rest } = parsed.data
    return { ...rest, text, fee: BigInt(fee), finish }
  }
}
