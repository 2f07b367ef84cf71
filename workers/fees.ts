import { type PublicClient, parseGwei } from 'viem'
import { ChainUnavailableError, toChainError } from './chainErrors.ts'

/** The fee limits of a transaction, in wei for each unit of gas. Legacy chains have one price and no base fee. */
export type Fees =
  | { type: 'legacy'; gasPrice: bigint }
  | { type: 'eip1559'; maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }

type FeeClient = Pick<PublicClient, 'getBlock' | 'getGasPrice' | 'estimateMaxPriorityFeePerGas'>

/** The tip is what is certainly paid, so its maximum is this part of the whole fee's. */
const MAX_TIP_PART = 10n
/** A fee that is right now is also right while the base fee doubles, which takes six full blocks; after that the transaction is replaced. */
const BASE_FEE_FACTOR = 2n

/** The limits for a new transaction at the present base fee.
 *  @throws ChainUnavailableError `fee-too-high` while the chain asks more than `maximum`. */
export async function estimateFees(client: FeeClient, maximum: bigint): Promise<Fees> {
  const { baseFeePerGas, fees } = await presentFees(client)
  const asked = baseFeePerGas ?? priceOf(fees) / BASE_FEE_FACTOR
  if (asked > maximum)
    throw new ChainUnavailableError(
      'fee-too-high',
      `MAX_FEE_GWEI: the chain asks ${gwei(asked)} gwei for a unit of gas, and at most ${gwei(maximum)} are allowed. Transactions wait until it is less. Raise MAX_FEE_GWEI to pay it.`,
    )
  return limited(fees, maximum)
}

/** The limits for a transaction that replaces another. Nodes accept it only when both limits are at least 10 % higher.
 *  Undefined when that is more than `maximum`. */
export async function replacementFees(client: FeeClient, before: Fees, maximum: bigint): Promise<Fees | undefined> {
  const { fees: present } = await presentFees(client)
  const raised = (old: bigint, now: bigint) => (now > leastRise(old) ? now : leastRise(old))
  const wanted: Fees =
    before.type === 'legacy' || present.type === 'legacy'
      ? { type: 'legacy', gasPrice: raised(priceOf(before), priceOf(present)) }
      : {
          type: 'eip1559',
          maxFeePerGas: raised(before.maxFeePerGas, present.maxFeePerGas),
          maxPriorityFeePerGas: raised(before.maxPriorityFeePerGas, present.maxPriorityFeePerGas),
        }
  const fees = limited(wanted, maximum)
  return isReplacement(before, fees) ? fees : undefined
}

const leastRise = (fee: bigint) => (fee * 9n) / 8n + 1n

const isReplacement = (before: Fees, after: Fees): boolean =>
  priceOf(after) >= leastRise(priceOf(before)) && (after.type === 'legacy' || tipOf(after) >= leastRise(tipOf(before)))

/** The most that a unit of gas can cost. */
export const priceOf = (fees: Fees): bigint => (fees.type === 'legacy' ? fees.gasPrice : fees.maxFeePerGas)
const tipOf = (fees: Fees): bigint => (fees.type === 'legacy' ? 0n : fees.maxPriorityFeePerGas)

function limited(fees: Fees, maximum: bigint): Fees {
  const least = (a: bigint, b: bigint) => (a < b ? a : b)
  if (fees.type === 'legacy') return { type: 'legacy', gasPrice: least(fees.gasPrice, maximum) }
  return {
    type: 'eip1559',
    maxFeePerGas: least(fees.maxFeePerGas, maximum),
    maxPriorityFeePerGas: least(fees.maxPriorityFeePerGas, maximum / MAX_TIP_PART),
  }
}

async function presentFees(client: FeeClient): Promise<{ baseFeePerGas: bigint | null; fees: Fees }> {
  try {
    const { baseFeePerGas } = await client.getBlock()
    if (baseFeePerGas === null)
      return { baseFeePerGas, fees: { type: 'legacy', gasPrice: (await client.getGasPrice()) * BASE_FEE_FACTOR } }
    const maxPriorityFeePerGas = await client.estimateMaxPriorityFeePerGas().catch(() => parseGwei('1'))
    const maxFeePerGas = baseFeePerGas * BASE_FEE_FACTOR + maxPriorityFeePerGas
    return { baseFeePerGas, fees: { type: 'eip1559', maxFeePerGas, maxPriorityFeePerGas } }
  } catch (cause) {
    throw toChainError('Estimating fees', cause)
  }
}

const gwei = (wei: bigint) => Number(wei) / 1e9
