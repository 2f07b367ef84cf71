import type { Governor } from '#schema/onchain/governance.ts'
import type { Values } from '../store/rows.ts'

/** A Governor to follow, as a configuration names it; what is left out is asked of the contract. Addresses in any case. */
export interface FollowedGovernor {
  address: string
  name?: string
  token?: string | null
  timelock?: string | null
  kind?: Governor['kind']
  clock?: Governor['clock']
  counting?: Governor['counting']
  quorumDenominator?: bigint | number | string
  /** The quorum in votes, where it is no fraction of the supply. */
  fixedQuorum?: bigint | number | string | null
  /** Seconds. */
  gracePeriod?: number | null
}

/** A Governor of which everything is known: the row that stands for it. */
export type Profile = Values<Governor>

const lower = (address: string | null | undefined) => address?.toLowerCase() ?? null

/** What is not said is what OpenZeppelin's Governor does by default. */
export const profileOf = (followed: FollowedGovernor): Profile => ({
  id: followed.address.toLowerCase(),
  name: followed.name ?? '',
  kind: followed.kind ?? 'OpenZeppelin',
  token: lower(followed.token),
  timelock: lower(followed.timelock),
  clock: followed.clock ?? 'BlockNumber',
  counting: followed.counting ?? (followed.kind === 'Bravo' ? 'For' : 'ForAbstain'),
  quorumDenominator: BigInt(followed.quorumDenominator ?? 100),
  fixedQuorum: followed.fixedQuorum == null ? null : BigInt(followed.fixedQuorum),
  gracePeriod: followed.gracePeriod ?? null,
})

/** The Governors of one chain. Contracts of a chain's first Governor give ids without a prefix, those of every further one ids that
 *  begin with the contract's address: proposal ids repeat from one Governor to the next. */
export class Governances {
  private readonly profiles: ReadonlyMap<string, Profile>

  constructor(
    profiles: readonly Profile[],
    private readonly first: ReadonlySet<string>,
  ) {
    this.profiles = new Map(profiles.map((profile) => [profile.id, profile]))
  }

  profile(governor: string): Profile | undefined {
    return this.profiles.get(governor)
  }

  /** What the ids of a contract's rows begin with. */
  scopeOf(contract: string): string {
    return this.first.has(contract) ? '' : `${contract}-`
  }

  /** The value that a Governor's clock shows in a block. */
  now(governor: Pick<Profile, 'clock'>, at: { block: number; timestamp: Date }): number {
    return governor.clock === 'Timestamp' ? at.timestamp.getTime() / 1000 : at.block
  }
}
