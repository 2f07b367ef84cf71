import { parseAbi, zeroAddress } from 'viem'
import type { BlockId } from '../chain/blockRange.ts'
import { type AskedBlock, contractReader } from '../rpc/contractReader.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { FollowedGovernor } from './profile.ts'

/** What a Governor's contract answers about itself, as of one block. */

const abi = parseAbi([
  'function name() view returns (string)',
  'function votingPeriod() view returns (uint256)',
  'function COUNTING_MODE() view returns (string)',
  'function CLOCK_MODE() view returns (string)',
  'function vetoer() view returns (address)',
  'function nouns() view returns (address)',
  'function token() view returns (address)',
  'function comp() view returns (address)',
  'function timelock() view returns (address)',
  'function quorumNumerator() view returns (uint256)',
  'function quorumDenominator() view returns (uint256)',
  'function quorumVotes() view returns (uint256)',
  'function proposals(uint256) view returns (uint256 id, address proposer, uint256 eta, uint256 startBlock, uint256 endBlock, uint256 forVotes, uint256 againstVotes, uint256 abstainVotes, bool canceled, bool executed)',
  'function GRACE_PERIOD() view returns (uint256)',
  'function clock() view returns (uint48)',
  'function arbBlockNumber() view returns (uint256)',
  'function quorum(uint256) view returns (uint256)',
  'function superQuorum(uint256) view returns (uint256)',
  'function getVotes(address) view returns (uint256)',
  'function getCurrentVotes(address) view returns (uint256)',
  'function getMinDelay() view returns (uint256)',
  'function delay() view returns (uint256)',
])

export const governorReader = (rpc: Rpc, block: AskedBlock) => contractReader(rpc, abi, block)
export type GovernorReader = ReturnType<typeof governorReader>

/** Fills in what is left out of `given`, from the contract as of `block`; the name is always the contract's. */
export async function readGovernor(rpc: Rpc, block: BlockId, given: FollowedGovernor): Promise<FollowedGovernor> {
  const read = governorReader(rpc, block)
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
    name: shortened((await read(address, 'name')) ?? ''),
    kind,
    token,
    timelock,
    clock: given.clock ?? (await clockOf(read, address)),
    counting: given.counting ?? (kind === 'OpenZeppelin' ? countingOf(mode) : 'For'),
    quorumDenominator: given.quorumDenominator ?? (await read(address, 'quorumDenominator')),
    fixedQuorum: given.fixedQuorum ?? (await fixedQuorum(read, address, kind, block.number)),
    gracePeriod: given.gracePeriod ?? (grace === undefined || grace > MAX_GRACE ? null : Number(grace)),
    hasSuperQuorum: given.hasSuperQuorum ?? (await read(address, 'superQuorum', 0n)) !== undefined,
    fractional: given.fractional ?? new URLSearchParams(mode ?? '').get('params') === 'fractional',
    askedAt: block.number,
    askedHash: block.hash,
  }
}

const MAX_NAME_LENGTH = 200

/** A contract may call itself anything: PostgreSQL stores no NUL. */
const shortened = (name: string) => [...name.replaceAll('\0', '\uFFFD')].slice(0, MAX_NAME_LENGTH).join('')

/** A longer grace period never ends. */
const MAX_GRACE = 2n ** 31n - 1n

/** Whether a contract's clock counts seconds or blocks (ERC-6372); an older contract counts blocks and has no CLOCK_MODE. */
export async function clockOf(
  read: GovernorReader,
  contract: string | undefined,
): Promise<'Timestamp' | 'BlockNumber'> {
  const mode = contract && (await read(contract, 'CLOCK_MODE'))
  return String(mode).includes('timestamp') ? 'Timestamp' : 'BlockNumber'
}

/** A Governor without OpenZeppelin's counting mode is Compound's; the proposals of Alpha have no abstentions. */
async function kindOf(read: GovernorReader, address: string, mode: string | undefined) {
  if (mode !== undefined) return 'OpenZeppelin'
  return (await read(address, 'proposals', 0n)) === undefined ? 'Alpha' : 'Bravo'
}

/** `support=` of a counting mode: how ballots are counted. */
export const supportsOf = (mode: string) => (new URLSearchParams(mode).get('support') ?? '').split(',')

/** `quorum=` of a counting mode: which votes count toward the quorum. */
function countingOf(mode: string | undefined): 'ForAbstain' | 'For' | 'All' {
  const sides = (new URLSearchParams(mode ?? '').get('quorum') ?? 'for,abstain').split(',')
  if (sides.includes('against')) return 'All'
  return sides.includes('abstain') ? 'ForAbstain' : 'For'
}

/** The quorum where it is not a fraction of the supply; null where it is, or the contract does not tell it. */
async function fixedQuorum(
  read: GovernorReader,
  address: string,
  kind: FollowedGovernor['kind'],
  block: number,
): Promise<bigint | null> {
  if (kind !== 'OpenZeppelin') return (await read(address, 'quorumVotes')) ?? null
  if ((await read(address, 'quorumNumerator')) !== undefined) return null
  const now = (await read(address, 'clock')) ?? block // before ERC-6372
  return (await read(address, 'quorum', BigInt(now))) ?? (await read(address, 'quorum', BigInt(now) - 1n)) ?? null
}
