import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import { embeddingOf } from '#schema/embeddingRequest.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { callerAccount, requireKey } from '../access.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'

const MAX_RECEIPTS = 100

@Resolver()
export class OpenReceiptsCommand {
  @Mutation(() => [Receipt], {
    description: `Shows prompts and answers of up to ${MAX_RECEIPTS} of the caller’s own receipts to everybody, for ever: only then their sources share in the answers’ part of their fees. Possible until an epoch has paid a receipt. Opening one again changes nothing.`,
  })
  async openReceipts(
    @Arg('ids', () => [ID], { description: 'The receipts.' }) ids: string[],
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Opening a receipt twice has the same effect as once.',
    })
    _key: string,
    @Ctx() { caller, db, reader }: ApiContext,
  ) {
    requireKey(caller)
    if (ids.length > MAX_RECEIPTS)
      throw new ApiError('TOO_COMPLEX', `At most ${MAX_RECEIPTS} receipts are opened at once. Send several requests.`)
    await db.transaction(async (sql) => {
      // Nobody opens another's receipt, not even an operator: it is the consumer's act.
      const { rows } = await sql.query<{
        id: string
        epoch: number | null
        open: boolean
        prompt: string
        removed: boolean
      }>(
        'select id, epoch, is_open as open, prompt, texts_removed_at is not null as removed from receipt where id = any($1) and ($2::text is null or consumer = $2) order by id for update',
        [ids, callerAccount(caller)],
      )
      const own = new Set(rows.map(({ id }) => id))
      const other = ids.find((id) => !own.has(id))
      if (other !== undefined)
        throw new ApiError(
          'RECEIPT_NOT_FOUND',
          `You have no receipt ${other.slice(0, 80)}. Query \`receipts\` for yours.`,
        )
      const removed = rows.find(({ removed, open }) => removed && !open)
      if (removed)
        throw new ApiError(
          'TEXTS_REMOVED',
          `Prompt and answer of receipt ${removed.id} were removed: there is nothing to open.`,
        )
      const embedded = rows.find(({ prompt }) => embeddingOf(prompt))
      if (embedded)
        throw new ApiError(
          'NOT_TRACED',
          `Receipt ${embedded.id} is of embeddings, which are not traced to their sources: opening it moves no reward.`,
        )
      const paid = rows.find(({ epoch, open }) => epoch !== null && !open)
      if (paid)
        throw new ApiError(
          'RECEIPT_PAID',
          `Epoch ${paid.epoch} has paid receipt ${paid.id}: opening it moves no reward any more. To show it to somebody, give them its prompt, answer and salt.`,
        )
      await sql.query('update receipt set is_open = true where id = any($1) and not is_open', [ids])
    })
    const table = tableFor(Receipt)
    const asOf = await reader.asOf()
    return Promise.all(ids.map((id) => reader.one('openReceipts', table, asOf, table.columns, id)))
  }
}
