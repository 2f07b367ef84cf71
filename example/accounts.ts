import { type Hex, keccak256, stringToBytes } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'

/** The well-known test mnemonic, whose accounts local chains fund. Everybody knows its keys: never send value to its accounts. */
export const MNEMONIC = 'test test test test test test test test test test test junk'

/** The number of accounts that a local chain must fund for the example: `anvil --accounts 64 --balance 1000000`. */
export const FUNDED_ACCOUNTS = 64
/** What each of them has, in native tokens. */
export const FUNDED_TOKENS = 1_000_000

/** The first account index of each role. Roles share no accounts. */
const FIRST_INDEX = {
  /** Deploys, and holds the workers' roles. */
  platform: 0,
  proposer: 1,
  holder: 2,
  host: 8,
  challenger: 9,
  contributor: 10,
  validator: 32,
  consumer: 48,
} as const

export type ExampleRole = keyof typeof FIRST_INDEX

/** The deterministic account of the nth person in a role. @throws Error when the role has no more accounts. */
export function exampleAccount(role: ExampleRole, nth = 0) {
  const index = FIRST_INDEX[role] + nth
  const next = Math.min(FUNDED_ACCOUNTS, ...Object.values(FIRST_INDEX).filter((first) => first > FIRST_INDEX[role]))
  if (!Number.isInteger(nth) || nth < 0 || index >= next)
    throw new Error(`There is no ${role} number ${nth}: the role has ${next - FIRST_INDEX[role]} accounts.`)
  return mnemonicToAccount(MNEMONIC, { addressIndex: index })
}

/** The last of the funded accounts, which nobody in the example has. */
export const lastFundedAccount = () => mnemonicToAccount(MNEMONIC, { addressIndex: FUNDED_ACCOUNTS - 1 })

/** A secret of a person, such as the salt of a commitment: the same for the same seed, so that the story can be repeated. `subject` names the account. */
export const secretOf = (seed: number | string, subject: string): Hex =>
  keccak256(stringToBytes(`secret/${seed}/${subject}`))
