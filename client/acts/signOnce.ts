import type { Hex, TypedDataDefinition, TypedDataDomain } from 'viem'
import { walletOf } from '../account.ts'
import type { Act } from '../act.ts'

/** In seconds: what is relayed must be mined within this time. */
const SIGNATURE_LIFE = 86_400n
/** In seconds: a relayer takes nothing whose deadline is nearer than a minute. */
const LEAST_LIFE = 120n

/** What a contract takes once: by its nonce, and until its deadline, in seconds. */
export interface Signed {
  nonce: bigint
  deadline: bigint
  signature: Hex
}

/** A message of EIP-712 of any type. */
interface TypedMessage {
  domain: TypedDataDomain
  types: Record<string, readonly { name: string; type: string }[]>
  primaryType: string
  message: object
}

interface SignatureRequest {
  /** The account's next nonce at the contract. */
  nonce(): Promise<bigint>
  /** What is signed. */
  data(place: { nonce: bigint; deadline: bigint }): TypedMessage | Promise<TypedMessage>
  /** Whether the contract knows no deadline. */
  isLasting?: boolean
  /** Whether the chain has what was signed. Then the kept signature, which leads to its job, is the right one, whatever has become of its nonce. */
  isDone?(): Promise<boolean>
}

/** Signs what a contract takes once. The signature is kept, so that what is sent stays the same after a crash. It is made again when its deadline is over or near, or
 *  another act's has used its nonce: of two with one nonce a contract takes one, and none with an earlier nonce. */
export async function signOnce(
  act: Act,
  name: string,
  { nonce, data, isLasting, isDone }: SignatureRequest,
): Promise<Signed> {
  const wallet = walletOf(act.client)
  const { timestamp: now } = await act.client.node.getBlock()
  const [next, done] = await Promise.all([nonce(), isDone?.()])
  const kept = await act.keep(
    name,
    async () => {
      const deadline = now + SIGNATURE_LIFE
      const message = (await data({ nonce: next, deadline })) as TypedDataDefinition
      const signed = await wallet.signTypedData({ ...message, account: wallet.account })
      return { nonce: next.toString(), deadline: deadline.toString(), signature: signed }
    },
    (known) => done || (known.nonce === next.toString() && (isLasting || BigInt(known.deadline) > now + LEAST_LIFE)),
  )
  return { nonce: BigInt(kept.nonce), deadline: BigInt(kept.deadline), signature: kept.signature }
}
