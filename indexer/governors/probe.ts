import { zeroAddress } from 'viem'
import { type BlockId, headerAt } from '../chain/blockRange.ts'
import type { FollowedDeployment } from '../deployment.ts'
import { InconsistentChain, IndexerError } from '../errors.ts'
import { MethodUnsupported, RecordedChain } from '../rpc/errors.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { asJson, type FollowedGovernor } from './profile.ts'
import { clockOf, type GovernorReader, governorReader, readGovernor, supportsOf } from './readGovernor.ts'

/** What a Governor does not emit is read from it at the first start: its token, timelock, clock and counting mode. It is read as of the first
 *  block at whose end the contract answers, so that every index of the chain has the same, whenever it was started. A node that cannot answer
 *  is asked again, or named in an error: its silence never counts as "the contract has no such function". Only a replay of recorded events
 *  has no contracts to ask: there, what the configuration leaves out gets the defaults of OpenZeppelin's Governor. */

/** What the contracts answered, by address, as JSON values. */
export type GovernorFacts = Readonly<Record<string, FollowedGovernor>>

export const factsOf = ({ governors = [] }: FollowedDeployment): GovernorFacts =>
  asJson(Object.fromEntries(governors.map((one) => [one.address.toLowerCase(), one])))

/** @throws IndexerError when there is none at the address. A node without `eth_getCode` is assumed to have one. */
export async function requireCode(rpc: Rpc, chainId: number, what: string, address: string): Promise<void> {
  const code = await rpc.request('eth_getCode', [address, 'latest']).catch((cause) => {
    if (cause instanceof RecordedChain || cause instanceof MethodUnsupported) return undefined
    throw cause
  })
  if (code === '0x')
    throw new IndexerError(
      `Chain ${chainId} has no contract at ${address}, which is configured as the ${what}. Correct the address, or RPC_URL.`,
    )
}

/** Fills in what the deployment leaves out: from `known`, which an earlier start recorded, or from its contracts.
 *  @throws IndexerError when an address has no code, the contract there is not of the configured kind, or the node does not support `eth_call`;
 *  StateUnavailable when the node lacks the state of the block as of which a contract is asked. */
export async function probeDeployment(
  rpc: Rpc,
  deployment: FollowedDeployment,
  known: GovernorFacts = {},
): Promise<FollowedDeployment> {
  const { chainId, addresses, factories = [] } = deployment
  for (const { address } of factories) await requireCode(rpc, chainId, 'factory', address)
  if (addresses.ModelGovernor) await requireCode(rpc, chainId, 'ModelGovernor', addresses.ModelGovernor)
  const latest = governorReader(rpc, 'latest')
  const clock = deployment.clock ?? (await unlessRecorded(clockOf(latest, addresses.GOpen), undefined))
  const governors: FollowedGovernor[] = []
  for (const { name: _, ...given } of deployment.governors ?? []) {
    const recorded = known[given.address.toLowerCase()]
    governors.push(recorded ? { ...recorded, ...given } : await probeGovernor(rpc, deployment, given))
  }
  return { ...deployment, clock, governors }
}

async function unlessRecorded<T>(request: Promise<T>, fallback: T): Promise<T> {
  try {
    return await request
  } catch (error) {
    if (error instanceof RecordedChain) return fallback
    if (error instanceof MethodUnsupported)
      throw new IndexerError(
        `${error.message} The indexer reads the token, the timelock and the clock of a Governor from its contract (eth_call).`,
        { cause: error },
      )
    throw error
  }
}

async function probeGovernor(
  rpc: Rpc,
  { chainId, startBlock }: FollowedDeployment,
  given: FollowedGovernor,
): Promise<FollowedGovernor> {
  await requireCode(rpc, chainId, 'governor', given.address)
  if (given.token) await requireCode(rpc, chainId, `token of ${given.address}`, given.token)
  if (given.timelock) await requireCode(rpc, chainId, `timelock of ${given.address}`, given.timelock)
  const probed = async () => {
    const number = Number(await rpc.request('eth_blockNumber'))
    await requireKinds(governorReader(rpc, 'latest'), chainId, number, given)
    return readGovernor(rpc, await firstBlock(rpc, given.address, Number(startBlock)), given)
  }
  return unlessRecorded(probed(), given)
}

/** The first block from `from` on at whose end the Governor is set up: it depends on the chain alone.
 *  @throws InconsistentChain when copies of the node on several forks answered. */
async function firstBlock(rpc: Rpc, governor: string, from: number): Promise<BlockId> {
  let last = Number(await rpc.request('eth_blockNumber'))
  for (let first = Math.min(from, last); first < last; ) {
    const middle = Math.floor((first + last) / 2)
    if (await governorReader(rpc, middle)(governor, 'votingPeriod')) last = middle
    else first = middle + 1
  }
  const header = await headerAt(rpc, last)
  if (!header || !(await governorReader(rpc, header)(governor, 'votingPeriod')))
    throw new InconsistentChain(`Block ${last}, as of which the Governor ${governor} is to be asked, was replaced`)
  return header
}

/** Blocks that may pass between two questions. */
const CLOCK_TOLERANCE = 1_000

/** On Arbitrum, contracts see the blocks of the chain below. Its ArbSys, which tells its own, has this address; a contract older than ERC-6372 has no
 *  clock() to compare. */
async function requireOwnBlocks(
  read: GovernorReader,
  refusal: (contract: string, why: string) => IndexerError,
  address: string,
  number: number,
) {
  if ((await clockOf(read, address)) === 'Timestamp') return
  const why = 'Its votes would be told at wrong blocks. Remove it from the configuration.'
  const clock = await read(address, 'clock')
  if (clock !== undefined && Math.abs(Number(clock) - number) > CLOCK_TOLERANCE)
    throw refusal(
      address,
      `counts blocks that are not those of its node: its clock() is ${clock} in block ${number}. ${why}`,
    )
  if (clock === undefined && (await read(ARB_SYS, 'arbBlockNumber')) !== undefined)
    throw refusal(address, `counts blocks that are not those of its node: the chain is Arbitrum’s. ${why}`)
}

const ARB_SYS = '0x0000000000000000000000000000000000000064'

/** @throws IndexerError that says what a configured contract is not, and what to name instead. */
async function requireKinds(
  read: GovernorReader,
  chainId: number,
  number: number,
  { address, token, timelock, counting }: FollowedGovernor,
) {
  const refusal = (contract: string, why: string) =>
    new IndexerError(`The contract at ${contract} on chain ${chainId} ${why}`)
  const period = await read(address, 'votingPeriod')
  if (period === undefined)
    throw refusal(
      address,
      'is not a Governor: it has no votingPeriod(). Name the Governor itself: its proxy, not the implementation behind it; not its token or timelock.',
    )
  if (period === 0n)
    throw refusal(address, 'has a votingPeriod() of 0: it is the implementation behind a proxy. Name the proxy.')
  if ((await read(address, 'vetoer')) !== undefined || (await read(address, 'nouns')) !== undefined)
    throw refusal(
      address,
      'is a Nouns Governor, or a fork of one: its vetoes, the quorums of its proposals and its objection periods are not followed. Remove it from the configuration.',
    )
  const mode = await read(address, 'COUNTING_MODE')
  if (mode === undefined && (await read(address, 'quorumVotes')) === undefined)
    throw refusal(
      address,
      'is a Governor of an unknown kind: it has neither COUNTING_MODE() (OpenZeppelin) nor quorumVotes() (Compound). Remove it from the configuration.',
    )
  if (mode !== undefined && counting === undefined && !supportsOf(mode).includes('bravo'))
    throw refusal(
      address,
      `counts votes in a way that is not followed: its COUNTING_MODE() is ${mode}. Remove it from the configuration.`,
    )
  await requireOwnBlocks(read, refusal, address, number)
  if (
    token &&
    (await read(token, 'getVotes', zeroAddress)) === undefined &&
    (await read(token, 'getCurrentVotes', zeroAddress)) === undefined
  )
    throw refusal(
      token,
      'is configured as the token of a Governor, but has neither getVotes(address) nor getCurrentVotes(address). Name the votes token, or null.',
    )
  if (timelock && (await read(timelock, 'getMinDelay')) === undefined && (await read(timelock, 'delay')) === undefined)
    throw refusal(
      timelock,
      'is configured as the timelock of a Governor, but has neither getMinDelay() nor delay(). Name the timelock, or null.',
    )
}
