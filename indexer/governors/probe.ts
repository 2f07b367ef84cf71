import { decodeFunctionResult, encodeFunctionData, type Hex, parseAbi, zeroAddress } from 'viem'
import { IndexerError } from '../errors.ts'
import type { FollowedDeployment } from '../follow/begin.ts'
import { type Rpc, RpcError } from '../rpc/rpc.ts'
import type { FollowedGovernor } from './governances.ts'

/** What a Governor does not emit is asked of it once, at the start: its token, timelock, clock and way of counting. */

const abi = parseAbi([
  'function votingPeriod() view returns (uint256)',
  'function COUNTING_MODE() view returns (string)',
  'function CLOCK_MODE() view returns (string)',
  'function token() view returns (address)',
  'function comp() view returns (address)',
  'function timelock() view returns (address)',
  'function quorumNumerator() view returns (uint256)',
  'function quorumDenominator() view returns (uint256)',
  'function quorumVotes() view returns (uint256)',
  'function GRACE_PERIOD() view returns (uint256)',
  'function clock() view returns (uint48)',
  'function quorum(uint256) view returns (uint256)',
])
type Name = (typeof abi)[number]['name']

const REVERTED = 3
const NO_SUCH_METHOD = -32601

/** The node keeps no state: it serves recorded events, or refuses calls. */
class Stateless extends Error {}

const isRevert = (error: unknown) =>
  error instanceof RpcError && (error.code === REVERTED || /revert|invalid opcode/i.test(error.reason))
const isStateless = (error: unknown) =>
  error instanceof RpcError &&
  (error.code === NO_SUCH_METHOD ||
    /method.*(does not exist|not found)|not (supported|available|answer)/i.test(error.reason))

/** What a contract answers; undefined when it has no such function, or no answer. @throws Stateless */
async function ask(rpc: Rpc, to: string, functionName: Name, args: readonly bigint[] = []) {
  const data = encodeFunctionData({ abi, functionName, args } as never)
  const answer = await rpc.request('eth_call', [{ to, data }, 'latest']).catch((cause) => {
    if (isRevert(cause)) return '0x'
    if (isStateless(cause)) throw new Stateless('The node answers no calls', { cause })
    throw cause
  })
  if (answer === '0x') return undefined
  try {
    return decodeFunctionResult({ abi, functionName, data: answer as Hex } as never) as unknown
  } catch {
    return undefined // a fallback function answered something else
  }
}

/** @throws IndexerError when nothing stands at the address. A node that cannot say is believed to have it. */
export async function requireCode(rpc: Rpc, chainId: number, what: string, address: string): Promise<void> {
  const code = await rpc.request('eth_getCode', [address, 'latest']).catch((cause) => {
    if (cause instanceof RpcError) return undefined
    throw cause
  })
  if (code === '0x')
    throw new IndexerError(
      `Chain ${chainId} has no contract at ${address}, which was named as the ${what}. Correct the address, or RPC_URL.`,
    )
}

/** The deployment with everything said that it leaves to the contracts.
 *  @throws IndexerError when an address has no code, or the contract there is no Governor. */
export async function resolve(rpc: Rpc, deployment: FollowedDeployment): Promise<FollowedDeployment> {
  const { chainId, addresses, factories = [] } = deployment
  for (const { address } of factories) await requireCode(rpc, chainId, 'factory', address)
  if (addresses.ModelGovernor) await requireCode(rpc, chainId, 'ModelGovernor', addresses.ModelGovernor)
  const clock = deployment.clock ?? (await clockOf(rpc, addresses.GOpen))
  const governors: FollowedGovernor[] = []
  for (const one of deployment.governors ?? []) governors.push(await resolveGovernor(rpc, chainId, one))
  return { ...deployment, clock, governors }
}

/** Whether a contract counts seconds or blocks (ERC-6372); an older one counts blocks and does not say so. */
async function clockOf(rpc: Rpc, contract: string | undefined): Promise<'Timestamp' | 'BlockNumber'> {
  const mode = contract && (await orNothing(ask(rpc, contract, 'CLOCK_MODE')))
  return String(mode).includes('timestamp') ? 'Timestamp' : 'BlockNumber'
}

async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Stateless) return undefined
    throw error
  }
}

async function resolveGovernor(rpc: Rpc, chainId: number, given: FollowedGovernor): Promise<FollowedGovernor> {
  await requireCode(rpc, chainId, 'governor', given.address)
  if (given.token) await requireCode(rpc, chainId, `token of ${given.address}`, given.token)
  if (given.timelock) await requireCode(rpc, chainId, `timelock of ${given.address}`, given.timelock)
  try {
    return await interview(rpc, chainId, given)
  } catch (error) {
    if (error instanceof Stateless) return given
    throw error
  }
}

async function interview(rpc: Rpc, chainId: number, given: FollowedGovernor): Promise<FollowedGovernor> {
  const { address } = given
  const asks = (name: Name, ...args: bigint[]) => ask(rpc, address, name, args)
  if ((await asks('votingPeriod')) === undefined)
    throw new IndexerError(
      `The contract at ${address} on chain ${chainId} is no Governor: it has no votingPeriod(). Name the Governor itself (a proxy, not what stands behind it; neither its token nor its timelock).`,
    )
  const mode = await asks('COUNTING_MODE')
  const kind =
    given.kind ?? (mode === undefined && (await asks('quorumVotes')) !== undefined ? 'Bravo' : 'OpenZeppelin')
  const addressOf = (value: unknown) => (value === undefined || value === zeroAddress ? null : String(value))
  const token = given.token !== undefined ? given.token : addressOf((await asks('token')) ?? (await asks('comp')))
  const timelock = given.timelock !== undefined ? given.timelock : addressOf(await asks('timelock'))
  const grace = timelock === null ? undefined : await ask(rpc, timelock, 'GRACE_PERIOD')
  return {
    ...given,
    kind,
    token,
    timelock,
    clock: given.clock ?? (await clockOf(rpc, address)),
    counting: given.counting ?? (kind === 'Bravo' ? 'For' : countingOf(mode)),
    quorumDenominator: given.quorumDenominator ?? ((await asks('quorumDenominator')) as bigint | undefined),
    fixedQuorum: given.fixedQuorum ?? (await fixedQuorum(asks, kind)),
    gracePeriod: given.gracePeriod ?? (grace === undefined ? null : Number(grace)),
  }
}

/** `quorum=` of a counting mode: which votes count toward the quorum. */
function countingOf(mode: unknown): 'ForAbstain' | 'For' | 'All' {
  const sides = (new URLSearchParams(String(mode ?? '')).get('quorum') ?? 'for,abstain').split(',')
  if (sides.includes('against')) return 'All'
  return sides.includes('abstain') ? 'ForAbstain' : 'For'
}

/** The quorum where no fraction of the supply gives it; null where one does. */
async function fixedQuorum(asks: (name: Name, ...args: bigint[]) => Promise<unknown>, kind: 'OpenZeppelin' | 'Bravo') {
  if (kind === 'Bravo') return ((await asks('quorumVotes')) as bigint | undefined) ?? null
  if ((await asks('quorumNumerator')) !== undefined) return null
  const now = (await asks('clock')) as number | undefined
  return now === undefined ? null : (((await asks('quorum', BigInt(now) - 1n)) as bigint | undefined) ?? null)
}
