import type { Governor } from '#schema/onchain/governance.ts'
import type { Values } from '../store/rows.ts'

/** A Governor to follow, as configured; what is left out is read from the contract. Addresses in any case. */
export interface FollowedGovernor {
  address: string
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
})

/** The Governors of one chain. Row ids of the first Governor's contracts have no prefix; those of every further one begin with the
 *  contract's address, because proposal ids repeat from one Governor to the next. */
export class Governances {
  private readonly profiles: ReadonlyMap<string, GovernorProfile>

  constructor(
    profiles: readonly GovernorProfile[],
    private readonly first: ReadonlySet<string>,
  ) {
    this.profiles = new Map(profiles.map((profile) => [profile.id, profile]))
  }

  profile(governor: string): GovernorProfile | undefined {
    return this.profiles.get(governor)
  }

  /** What the ids of a contract's rows begin with. */
  idPrefixOf(contract: string): string {
    return this.first.has(contract) ? '' : `${contract}-`
  }

  /** The value of a Governor's clock in the block of an event. */
  clockAt(governor: Pick<GovernorProfile, 'clock'>, event: { block: number; timestamp: Date }): number {
    return governor.clock === 'Timestamp' ? event.timestamp.getTime() / 1000 : event.block
  }
}
