import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import { type Address, type Hex, hashTypedData } from 'viem'
import { receiptData, statementOf } from '#rules/receipt.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { rowOf } from '#schema/rows.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import { signedByKey } from '../signature.ts'
import { ownerOf } from './deleteTexts.ts'

@Resolver()
export class CountersignCommand {
  @Mutation(() => Receipt, {
    description:
      'Stores the consumer’s signature of a receipt beside it: of the EIP-712 message that its host signed when it answered. By a key with the scope write, or by a session, of the consumer’s account. It moves no money. Sending it again changes nothing.',
  })
  async countersignReceipt(
    @Arg('id', () => ID, { description: 'The receipt.' }) id: string,
    @Arg('signature', () => String, { description: 'The signature of the consumer’s own key, 65 bytes as hex.' })
    signature: string,
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Countersigning twice has the same effect as once.',
    })
    _key: string,
    @Ctx() { caller, db, deployment, reader }: ApiContext,
  ) {
    const owner = ownerOf(caller)
    const receipt = await rowOf(db, Receipt, id)
    if (!receipt || (owner !== null && receipt.consumer !== owner))
      throw new ApiError('RECEIPT_NOT_FOUND', `You have no receipt ${id.slice(0, 80)}. Query \`receipts\` for yours.`)
    if (!/^0x[0-9a-fA-F]{130}$/.test(signature))
      throw new ApiError('BAD_SIGNATURE', 'The signature must be 65 bytes as hex: 0x and 130 digits.')
    const statement = statementOf(receipt)
    if (!statement) throw new ApiError('OTHER_FORM', `Receipt ${id} was signed by an earlier release, in another form.`)
    const market = { chainId: deployment.chainId, contract: deployment.addresses.InferenceMarket as Hex }
    const hash = hashTypedData(receiptData(market, statement))
    if (!(await signedByKey({ address: receipt.consumer as Address, hash, signature: signature as Hex })))
      throw new ApiError(
        'WRONG_SIGNER',
        `The signature is not that of ${receipt.consumer}, the consumer of receipt ${id}, for what its host has signed: sign the same message with the key of that account.`,
      )
    await db.query('update receipt set countersignature = $2 where id = $1', [id, signature.toLowerCase()])
    const table = tableFor(Receipt)
    return reader.one(`countersigned:${id}`, table, await reader.asOf(), table.columns, id)
  }
}
