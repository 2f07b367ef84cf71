import {
  type Abi,
  type Account,
  type Address,
  type Chain,
  getContractAddress,
  type Hex,
  type PublicClient,
  type Transport,
  type WalletClient,
  zeroAddress,
} from 'viem'
import { type ContractName, contracts } from './generated/index.ts'

/** Durations in seconds, money in wei. */
export type Settings = {
  /** From proposal to snapshot. */
  votingDelay: number
  /** From snapshot to the end of voting. */
  votingPeriod: number
  /** How long voting stays open after a late quorum, at most the voting period. */
  lateQuorumExtension: number
  /** Votes needed to propose. */
  proposalThreshold: bigint
  /** Percentage of the supply at the snapshot, 0 to 100. */
  quorumPercent: number
  /** From queueing to execution. */
  timelockDelay: number
  /** Time in which a reward map can be disputed. */
  challengeWindow: number
  /** From a consumer's request to the withdrawal of its credit. */
  withdrawalDelay: number
  /** Time for which a scored contribution's stake is held. */
  stakeHold: number
  /** Minimum bond of a model proposal. */
  minProposalBond: bigint
  /** Bond of a dispute. */
  minDisputeBond: bigint
  /** Minimum stake of a validator. */
  minValidatorStake: bigint
}

export const DEFAULT_SETTINGS: Settings = {
  votingDelay: 60,
  votingPeriod: 600,
  lateQuorumExtension: 60,
  proposalThreshold: 0n,
  quorumPercent: 10,
  timelockDelay: 60,
  challengeWindow: 600,
  withdrawalDelay: 600,
  stakeHold: 600,
  minProposalBond: 10n ** 18n,
  minDisputeBond: 10n ** 17n,
  minValidatorStake: 10n ** 17n,
}

/** The addresses and settings of the contracts. `startBlock`: the first block that can contain one of their events. */
export type Deployment = {
  chainId: number
  startBlock: bigint
  addresses: Record<ContractName, Address>
  operator: Address
  settings: Settings
}

/** The order of deployment: a contract's address is derived from the deployer and its index here. */
export const DEPLOY_ORDER = Object.keys(contracts) as ContractName[]

/** The addresses of the contracts when the deployer's next nonce is `nonce`. */
export function deployAddresses(deployer: Address, nonce: number): Record<ContractName, Address> {
  const entries = DEPLOY_ORDER.map((name, i) => [
    name,
    getContractAddress({ from: deployer, nonce: BigInt(nonce + i) }),
  ])
  return Object.fromEntries(entries) as Record<ContractName, Address>
}

/** Deploys every contract in a fixed order. The operator gets the workers' roles (nobody does if it is the zero address). The timelock is
 *  the admin of all roles from the start; the deployer keeps no role.
 *  @throws Error when a transaction fails or the wallet has no account. */
export async function deployAll(
  wallet: WalletClient<Transport, Chain | undefined, Account>,
  client: PublicClient,
  options: { operator?: Address } & Partial<Settings> = {},
): Promise<Deployment> {
  const { operator = zeroAddress, ...given } = options
  const settings: Settings = { ...DEFAULT_SETTINGS, ...given }
  const deployer = wallet.account.address
  const [chainId, head, nonce] = await Promise.all([
    client.getChainId(),
    client.getBlockNumber({ cacheTime: 0 }),
    client.getTransactionCount({ address: deployer, blockTag: 'pending' }),
  ])
  const addresses = deployAddresses(deployer, nonce)
  const args = constructorArguments(addresses, operator, settings)
  const sent: { name: ContractName; hash: Hex }[] = []
  for (const [i, name] of DEPLOY_ORDER.entries()) {
    const { abi, bytecode } = contracts[name]
    const hash = await wallet.deployContract({
      abi: abi as Abi,
      bytecode,
      args: args[name],
      nonce: nonce + i,
      chain: wallet.chain ?? null,
    })
    sent.push({ name, hash })
  }
  for (const { name, hash } of sent) {
    const receipt = await client.waitForTransactionReceipt({ hash, pollingInterval: 50 })
    if (receipt.status !== 'success' || receipt.contractAddress?.toLowerCase() !== addresses[name].toLowerCase())
      throw new Error(
        `${name} was not deployed at ${addresses[name]} (transaction ${hash}); does another program use the deployer's account?`,
      )
  }
  return { chainId, startBlock: head + 1n, addresses, operator, settings }
}

function constructorArguments(at: Record<ContractName, Address>, operator: Address, s: Settings) {
  const token = at.GOpen
  const timelock = at.TimelockController
  return {
    GOpen: [],
    TimelockController: [BigInt(s.timelockDelay), [at.ModelGovernor], [at.ModelGovernor], zeroAddress],
    ModelGovernor: [
      token,
      timelock,
      s.votingDelay,
      s.votingPeriod,
      s.proposalThreshold,
      BigInt(s.quorumPercent),
      s.lateQuorumExtension,
    ],
    Treasury: [token, timelock],
    ModelRegistry: [
      token,
      at.ModelGovernor,
      timelock,
      at.Treasury,
      at.EvaluationRegistry,
      at.Disputes,
      operator,
      s.minProposalBond,
    ],
    EvaluationRegistry: [at.ModelRegistry, timelock, operator],
    DatanetRegistry: [token, at.ModelRegistry, at.Disputes, at.Treasury, timelock, operator, BigInt(s.stakeHold)],
    FeedbackPool: [token, at.ModelRegistry, at.Disputes, at.Treasury, timelock, operator, s.minValidatorStake],
    InferenceMarket: [token, at.ModelRegistry, at.RewardDistributor, BigInt(s.withdrawalDelay)],
    RewardDistributor: [token, at.Disputes, timelock, operator, BigInt(s.challengeWindow)],
    Disputes: [
      token,
      at.ModelRegistry,
      at.DatanetRegistry,
      at.FeedbackPool,
      at.RewardDistributor,
      at.Treasury,
      timelock,
      operator,
      s.minDisputeBond,
    ],
  } satisfies Record<ContractName, unknown[]>
}
