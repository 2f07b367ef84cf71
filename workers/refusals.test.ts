import { expect, test } from 'vitest'
import { type Refusal, refusalOf } from './refusals.ts'

/** What the nodes say, word for word. */
const SAID: Record<Exclude<Refusal, 'other'>, string[]> = {
  known: [
    'already known', // geth, reth, Erigon
    'transaction already imported', // anvil
    'AlreadyKnown', // Nethermind
    'Known transaction', // Besu
    'existing tx with same hash', // Erigon
    'nonce too low: next nonce 12, tx nonce 11', // geth
    'nonce too low: next nonce 5, tx nonce 3', // reth
    'nonce too low', // anvil, Erigon
    'OldNonce', // Nethermind
    'Nonce too low', // Besu
    'Nonce provided for the transaction (3) is lower than the current nonce of the account.', // viem
  ],
  underpriced: [
    'replacement transaction underpriced', // geth, reth, anvil
    'INTERNAL_ERROR: could not replace existing tx', // Erigon
    'ReplacementNotAllowed', // Nethermind
    'transaction underpriced: gas tip cap 0, minimum needed 1', // geth
    'transaction underpriced', // reth
    'fee too low', // Erigon
    'FeeTooLow, MaxFeePerGas too low', // Nethermind
    'max fee per gas less than block base fee', // anvil, reth
    'max fee per gas less than block base fee: address 0x01, maxFeePerGas: 1, baseFee: 7', // geth
    'The fee cap (`maxFeePerGas` = 0.1 gwei) cannot be lower than the block base fee.', // viem
    'Gas price below configured minimum gas price', // Besu
  ],
  funds: [
    'insufficient funds for gas * price + value: balance 0, tx cost 21000', // geth, reth
    'insufficient funds for gas * price + value', // Erigon
    'Insufficient funds for gas * price + value', // anvil
    'InsufficientFunds, Account balance: 0', // Nethermind
    'Upfront cost exceeds account balance', // Besu
  ],
  impossible: [
    'exceeds block gas limit', // geth, reth
    'transaction gas limit too high (cap: 16777216, tx: 21700000)', // geth since Osaka
    'intrinsic gas too high -- tx.gas_limit > env.block.gas_limit', // anvil
    'gas limit is too high', // Erigon
    'GasLimitExceeded, Gas limit: 21700000', // Nethermind
    'Transaction gas limit exceeds block gas limit', // Besu
    'intrinsic gas too low', // geth
  ],
}

test.each(Object.entries(SAID).flatMap(([refusal, all]) => all.map((text) => [text, refusal])))(
  '“%s” is %s',
  (text, refusal) => expect(refusalOf(text)).toBe(refusal),
)

test('anything else is no reason to give the transaction up', () => {
  for (const text of [
    'txpool is full',
    'header not found',
    'HTTP request failed. Status: 502',
    'pending sub-pool is full',
  ])
    expect(refusalOf(text)).toBe('other')
})
