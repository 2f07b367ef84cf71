import type { Governor } from '#schema/onchain/governance.ts'
import type { Values } from '../store/rows.ts'

/** A Governor to follow, as configured; what is left out is read from the contract. Addresses in any case. */
export interface FollowedGovernor {
  address: string
  /** What its contract calls itself. A configured name is for logs alone: what is indexed depends on the chain. */
  name?: string
  token?: string | null
  timelock?: string | null
  kind?: Governor['kind']
  clock?: Governor['clock']
  counting?: Governor['counting']
  quorumDenominator?: bigint | number | string
  /** The quorum in votes, where it is not a fraction of the supply. */
  fixedQuorum?: bigint | number | string | null
  /** Seconds. */
  gracePeriod?: number | null
  hasSuperQuorum?: boolean
  /** Whether the params of ballots may split them. */
  fractional?: boolean
  /** The block as of which what is left out is asked of the contract. */
  askedAt?: number | null
  /** The hash of that block. */
  askedHash?: string
}

/** A Governor's row, with every value known. */
export type GovernorProfile = Values<Governor>

/** Whether a Governor follows the rules of Compound's Alpha and Bravo. */
export const isCompound = ({ kind }: Pick<FollowedGovernor, 'kind'>) => kind === 'Alpha' || kind === 'Bravo'

const lowerOrNull = (address: string | null | undefined) => address?.toLowerCase() ?? null

/** The profile of a Governor; values left out get the defaults of OpenZeppelin's Governor. */
export const profileOf = (followed: FollowedGovernor): GovernorProfile => ({
  id: followed.address.toLowerCase(),
  name: followed.name ?? '',
  kind: followed.kind ?? 'OpenZeppelin',
  token: lowerOrNull(followed.token),
  timelock: lowerOrNull(followed.timelock),
  clock: followed.clock ?? 'BlockNumber',
  counting: followed.counting ?? (isCompound(followed) ? 'For' : 'ForAbstain'),
  quorumDenominator: BigInt(followed.quorumDenominator ?? 100),
  fixedQuorum: followed.fixedQuorum == null ? null : BigInt(followed.fixedQuorum),
  gracePeriod: followed.gracePeriod ?? null,
  hasSuperQuorum: followed.hasSuperQuorum ?? false,
  askedAt: followed.askedAt ?? null,
  fractional: followed.fractional ?? false,
  quorumUnknown: null,
  unfollowed: null,
})

/** A bigint becomes a decimal string, which is read the same. */
export const asJson = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? one.toString() : one)))
