import { parseAbi, zeroAddress } from 'viem'
import type { FollowedDeployment } from '../deployment.ts'
import { IndexerError } from '../errors.ts'
import { contractReader } from '../rpc/contractReader.ts'
import { MethodUnsupported, RecordedChain } from '../rpc/errors.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { FollowedGovernor } from './governances.ts'

/** What a Governor does not emit is read from it once, at the start: its token, timelock, clock and counting mode. A node that cannot answer
 *  is asked again, or named in an error: its silence never counts as "the contract has no such function". Only a replay of recorded events
 *  has no contracts to ask: there, what the configuration leaves out gets the defaults of OpenZeppelin's Governor. */

const abi = parseAbi([
  'function votingPeriod() view returns (uint256)',
  'function COUNTING_MODE() view returns (string)',
  'function CLOCK_MODE() view returns (string)',
  'function vetoer() view returns (address)',
  'function token() view returns (address)',
  'function comp() view returns (address)',
  'function timelock() view returns (address)',
  'function quorumNumerator() view returns (uint256)',
  'function quorumDenominator() view returns (uint256)',
  'function quorumVotes() view returns (uint256)',
  'function proposals(uint256) view returns (uint256 id, address proposer, uint256 eta, uint256 startBlock, uint256 endBlock, uint256 forVotes, uint256 againstVotes, uint256 abstainVotes, bool canceled, bool executed)',
  'function GRACE_PERIOD() view returns (uint256)',
  'function clock() view returns (uint48)',
  'function quorum(uint256) view returns (uint256)',
  'function getVotes(address) view returns (uint256)',
  'function getCurrentVotes(address) view returns (uint256)',
  'function getMinDelay() view returns (uint256)',
  'function delay() view returns (uint256)',
])

const readerOf = (rpc: Rpc) => contractReader(rpc, abi, 'latest')
type Reader = ReturnType<typeof readerOf>

/** @throws IndexerError when there is no contract at the address. A node without `eth_getCode` is assumed to have one. */
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

/** Fills in what the deployment leaves out, from its contracts.
 *  @throws IndexerError when an address has no code, the contract there is not of the configured kind, or the node does not support `eth_call`. */
export async function probeDeployment(rpc: Rpc, deployment: FollowedDeployment): Promise<FollowedDeployment> {
  const { chainId, addresses, factories = [] } = deployment
  for (const { address } of factories) await requireCode(rpc, chainId, 'factory', address)
  if (addresses.ModelGovernor) await requireCode(rpc, chainId, 'ModelGovernor', addresses.ModelGovernor)
  const clock = deployment.clock ?? (await unlessRecorded(clockOf(readerOf(rpc), addresses.GOpen), undefined))
  const governors: FollowedGovernor[] = []
  for (const one of deployment.governors ?? []) governors.push(await probeGovernor(rpc, chainId, one))
  return { ...deployment, clock, governors }
}

/** Whether a contract's clock counts seconds or blocks (ERC-6372); an older contract counts blocks and has no CLOCK_MODE. */
async function clockOf(read: Reader, contract: string | undefined): Promise<'Timestamp' | 'BlockNumber'> {
  const mode = contract && (await read(contract, 'CLOCK_MODE'))
  return String(mode).includes('timestamp') ? 'Timestamp' : 'BlockNumber'
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

async function probeGovernor(rpc: Rpc, chainId: number, given: FollowedGovernor): Promise<FollowedGovernor> {
  await requireCode(rpc, chainId, 'governor', given.address)
  if (given.token) await requireCode(rpc, chainId, `token of ${given.address}`, given.token)
  if (given.timelock) await requireCode(rpc, chainId, `timelock of ${given.address}`, given.timelock)
  const read = readerOf(rpc)
  const probed = async () => {
    await requireKinds(read, chainId, given)
    return readGovernor(read, given)
  }
  return unlessRecorded(probed(), given)
}

/** @throws IndexerError that says what a configured contract is not, and what to name instead. */
async function requireKinds(read: Reader, chainId: number, { address, token, timelock, counting }: FollowedGovernor) {
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
  if ((await read(address, 'vetoer')) !== undefined)
    throw refusal(
      address,
      'is a Nouns Governor: its vetoes, dynamic quorums and objection periods are not followed. Remove it from the configuration.',
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

async function readGovernor(read: Reader, given: FollowedGovernor): Promise<FollowedGovernor> {
  const { address } = given
  const mode = await read(address, 'COUNTING_MODE')
  const kind = given.kind ?? (await kindOf(read, address, mode))
  const orNull = (found: string | undefined) => (found === undefined || found === zeroAddress ? null : found)
  const token =
    given.token !== undefined ? given.token : orNull((await read(address, 'token')) ?? (await read(address, 'comp')))
  const timelock = given.timelock !== undefined ? given.timelock : orNull(await read(address, 'timelock'))
  const grace = timelock === null ? undefined : await read(timelock, 'GRACE_PERIOD')
  return {
    ...given,
    kind,
    token,
    timelock,
    clock: given.clock ?? (await clockOf(read, address)),
    counting: given.counting ?? (kind === 'OpenZeppelin' ? countingOf(mode) : 'For'),
    quorumDenominator: given.quorumDenominator ?? (await read(address, 'quorumDenominator')),
    fixedQuorum: given.fixedQuorum ?? (await fixedQuorum(read, address, kind)),
    gracePeriod: given.gracePeriod ?? (grace === undefined ? null : Number(grace)),
  }
}

/** A Governor without OpenZeppelin's counting mode is Compound's; the proposals of Alpha have no abstentions. */
async function kindOf(read: Reader, address: string, mode: string | undefined): Promise<FollowedGovernor['kind'] & {}> {
  if (mode !== undefined) return 'OpenZeppelin'
  return (await read(address, 'proposals', 0n)) === undefined ? 'Alpha' : 'Bravo'
}

/** `support=` of a counting mode: how ballots are counted. */
const supportsOf = (mode: string) => (new URLSearchParams(mode).get('support') ?? '').split(',')

/** `quorum=` of a counting mode: which votes count toward the quorum. */
function countingOf(mode: string | undefined): 'ForAbstain' | 'For' | 'All' {
  const sides = (new URLSearchParams(mode ?? '').get('quorum') ?? 'for,abstain').split(',')
  if (sides.includes('against')) return 'All'
  return sides.includes('abstain') ? 'ForAbstain' : 'For'
}

/** The quorum where it is not a fraction of the supply; null where it is. */
async function fixedQuorum(read: Reader, address: string, kind: FollowedGovernor['kind']): Promise<bigint | null> {
  if (kind !== 'OpenZeppelin') return (await read(address, 'quorumVotes')) ?? null
  if ((await read(address, 'quorumNumerator')) !== undefined) return null
  const now = await read(address, 'clock')
  return now === undefined ? null : ((await read(address, 'quorum', BigInt(now) - 1n)) ?? null)
}
