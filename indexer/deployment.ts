import type { ContractName } from '#contracts/events.ts'
import { Children, type ContractFactory, topicsFor } from './chain/children.ts'
import { SetAside } from './follow/setAside.ts'
import type { ContractAnswers } from './governors/answers.ts'
import { Governances } from './governors/governances.ts'
import { type FollowedGovernor, profileOf } from './governors/profile.ts'
import type { ContractKinds } from './handlers/steps.ts'
import type { ContractAddresses } from './store/cursor.ts'

/** The contracts to follow, as configured. `startBlock`: the first block that may hold one of their events. */
export interface FollowedDeployment {
  chainId: number
  startBlock: bigint | number
  addresses: Partial<Record<ContractName, string>>
  /** What the clock of `addresses.ModelGovernor` counts; read from the token when left out. */
  clock?: FollowedGovernor['clock']
  /** Governors besides that of `addresses`, each with its token and its timelock. */
  governors?: readonly FollowedGovernor[]
  /** Contracts whose events name further contracts to follow. */
  factories?: readonly ContractFactory[]
}

/** A deployment with everything derived that the indexer needs. */
export interface ResolvedDeployment {
  chainId: number
  /** Addresses by name, in lower case. */
  contracts: ContractAddresses
  followed: ContractKinds
  children: Children
  setAside: SetAside
  governances: Governances
  /** At least 1: the genesis block has no logs, and every start needs a block before it. */
  startBlock: number
  topics: string[]
}

export function resolveDeployment(deployment: FollowedDeployment, answers?: ContractAnswers): ResolvedDeployment {
  const { chainId, startBlock, addresses, clock, governors = [], factories = [] } = deployment
  const { ModelGovernor, GOpen, TimelockController } = addresses
  const own = ModelGovernor && { address: ModelGovernor, token: GOpen, timelock: TimelockController, clock }
  const profiles = [...(own ? [{ ...own, name: 'ModelCommons' }] : []), ...governors].map(profileOf)
  const named = Object.entries(addresses).map(
    ([name, address]) => [name as ContractName, address.toLowerCase()] as const,
  )
  const others = profiles
    .slice(own ? 1 : 0)
    .flatMap(({ id, token, timelock }) => [
      ['ModelGovernor', id] as const,
      ...(token === null ? [] : [['GOpen', token] as const]),
      ...(timelock === null ? [] : [['TimelockController', timelock] as const]),
    ])
  const [first] = profiles
  const ofFirst = first ? [first.id, first.token, first.timelock].filter((address) => address !== null) : []
  const children = new Children(
    new Map([...named, ...others].map(([name, address]) => [address, name])),
    factories,
    governors.map(({ address }) => address),
  )
  const { followed } = children
  return {
    chainId,
    contracts: contractsOf(named, [...others, ...children.factories.map((address) => ['Factory', address] as const)]),
    followed,
    children,
    setAside: new SetAside(new Set(named.map(([, address]) => address))),
    governances: new Governances(profiles, new Set([...named.map(([, address]) => address), ...ofFirst]), answers),
    startBlock: Math.max(1, Number(startBlock)),
    topics: [...new Set([...[...followed.values()].flatMap(topicsFor), ...children.topics])],
  }
}

type Entries = readonly (readonly [name: string, address: string])[]

/** Addresses by name: those of the deployment under their own names, each further address once, numbered where its name is taken. */
function contractsOf(named: Entries, others: Entries): ContractAddresses {
  const contracts: Record<string, string> = Object.fromEntries(named)
  for (const [name, address] of others) {
    if (Object.values(contracts).includes(address)) continue
    let key = name
    for (let n = 2; contracts[key] !== undefined; n++) key = `${name} ${n}`
    contracts[key] = address
  }
  return contracts
}
