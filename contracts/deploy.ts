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
} from 'viem'
import { bytecodes } from './generated/bytecodes.ts'
import { type ContractName, contracts } from './generated/index.ts'
import type { Holders, Settings } from './settings.ts'

/** The addresses and settings of the contracts. `startBlock`: the first block that can contain one of their events. */
export type Deployment = {
  chainId: number
  startBlock: bigint
  addresses: Record<ContractName, Address>
  holders: Holders
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

/** Deploys every contract in a fixed order. Each holder gets its roles (nobody does if it is the zero address). The timelock is
 *  the admin of all roles from the start; the deployer keeps no role.
 *  @throws Error when a transaction fails or the wallet has no account. */
export async function deployAll(
  wallet: WalletClient<Transport, Chain | undefined, Account>,
  client: PublicClient,
  holders: Holders,
  settings: Settings,
): Promise<Deployment> {
  const deployer = wallet.account.address
  const [chainId, head, nonce] = await Promise.all([
    client.getChainId(),
    client.getBlockNumber({ cacheTime: 0 }),
    client.getTransactionCount({ address: deployer, blockTag: 'pending' }),
  ])
  const addresses = deployAddresses(deployer, nonce)
  const args = constructorArguments(addresses, holders, settings)
  const sent: { name: ContractName; hash: Hex }[] = []
  for (const [i, name] of DEPLOY_ORDER.entries()) {
    const hash = await wallet.deployContract({
      abi: contracts[name].abi as Abi,
      bytecode: bytecodes[name],
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
  return { chainId, startBlock: head + 1n, addresses, holders, settings }
}

function constructorArguments(
  at: Record<ContractName, Address>,
  { operator, resolver, guardian }: Holders,
  s: Settings,
) {
  const token = at.GOpen
  const timelock = at.TimelockController
  return {
    GOpen: [at.ModelGovernor],
    TimelockController: [BigInt(s.timelockDelay), [at.ModelGovernor], [at.ModelGovernor], at.Guardian],
    Guardian: [timelock, at.ModelGovernor, guardian, BigInt(s.pauseTime)],
    ModelGovernor: [
      token,
      timelock,
      s.votingDelay,
      s.votingPeriod,
      s.proposalThreshold,
      BigInt(s.quorumPercent),
      s.lateQuorumExtension,
    ],
    Treasury: [token, timelock, BigInt(s.treasurySharePercent * 100), BigInt(s.treasuryPeriod)],
    ModelRegistry: [
      token,
      at.ModelGovernor,
      timelock,
      at.Treasury,
      at.EvaluationRegistry,
      at.Disputes,
      operator,
      { minBond: s.minProposalBond, dailySpendBps: BigInt(s.dailySpendPercent * 100), guardian: at.Guardian },
    ],
    EvaluationRegistry: [at.ModelRegistry, timelock, operator],
    DatanetRegistry: [
      token,
      at.ModelRegistry,
      at.Disputes,
      at.Treasury,
      timelock,
      operator,
      BigInt(s.stakeHold),
      s.scoringFee,
    ],
    FeedbackPool: [token, at.ModelRegistry, at.Disputes, at.Treasury, timelock, operator, s.minValidatorStake],
    InferenceMarket: [token, at.ModelRegistry, at.RewardDistributor, BigInt(s.withdrawalDelay)],
    RewardDistributor: [
      token,
      at.Disputes,
      at.Guardian,
      at.Treasury,
      timelock,
      operator,
      {
        challengeWindow: BigInt(s.challengeWindow),
        length: BigInt(s.epochLength),
        publisherBond: s.publisherBond,
      },
    ],
    Disputes: [
      token,
      at.ModelRegistry,
      at.DatanetRegistry,
      at.FeedbackPool,
      at.RewardDistributor,
      at.Treasury,
      timelock,
      at.Guardian,
      resolver,
      s.minDisputeBond,
      { appealTime: BigInt(s.appealTime), term: BigInt(s.disputeTerm), reopenTime: BigInt(s.reopenTime) },
    ],
  } satisfies Record<ContractName, unknown[]>
}
