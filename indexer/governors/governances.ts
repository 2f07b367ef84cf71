import type { ContractAnswers } from './answers.ts'
import type { GovernorProfile } from './profile.ts'

/** The Governors of one chain. Row ids of the first Governor's contracts have no prefix; those of every further one begin with the
 *  contract's address, because proposal ids repeat from one Governor to the next. */
export class Governances {
  private readonly profiles: ReadonlyMap<string, GovernorProfile>
  private readonly byContract = new Map<string, GovernorProfile[]>()

  constructor(
    profiles: readonly GovernorProfile[],
    private readonly first: ReadonlySet<string>,
    /** Asks the contracts; left out where there is no node. */
    readonly answers?: ContractAnswers,
  ) {
    this.profiles = new Map(profiles.map((profile) => [profile.id, profile]))
    for (const profile of profiles)
      for (const contract of new Set([profile.id, profile.token, profile.timelock]))
        if (contract !== null) this.byContract.set(contract, [...(this.byContract.get(contract) ?? []), profile])
  }

  profile(governor: string): GovernorProfile | undefined {
    return this.profiles.get(governor)
  }

  /** The Governors of which a contract is the Governor itself, the token or the timelock. */
  concerning(contract: string): readonly GovernorProfile[] {
    return this.byContract.get(contract) ?? []
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
