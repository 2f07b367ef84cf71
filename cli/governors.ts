import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '#config'
import type { FollowedDeployment, FollowedGovernor } from '#indexer/index.ts'
import { RpcUnavailable } from '#indexer/rpc/errors.ts'
import { openRpc } from '#indexer/rpc/open.ts'
import { isRetriable } from '#schema/errors.ts'
import { Factory } from './factories.ts'

/** The Governors to follow instead of a deployment: one from the command line, or those of a configuration file for several chains. */

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address: 0x and 40 hex digits')
const whole = z.int('expected a whole number').min(0, 'expected a whole number from 0')
const votes = z.string().regex(/^\d+$/, 'expected a number of votes as a decimal string').transform(BigInt)
const url = z
  .string()
  .refine(
    (value) => value.split(',').every((one) => /^(https?|wss?):\/\//.test(one) && URL.canParse(one)),
    'expected an http(s) or ws(s) URL, or several, separated by commas',
  )

const Governor = z.strictObject({
  address,
  /** The first block that may have an event of the Governor or of its token. */
  startBlock: whole,
  /** For logs alone: the index has the contract's own. */
  name: z.string().max(100).optional(),
  token: address.nullable().optional(),
  timelock: address.nullable().optional(),
  kind: z.enum(['OpenZeppelin', 'Bravo', 'Alpha']).optional(),
  clock: z.enum(['Timestamp', 'BlockNumber']).optional(),
  counting: z.enum(['ForAbstain', 'For', 'All']).optional(),
  quorumDenominator: whole.min(1, 'expected a whole number from 1').optional(),
  fixedQuorum: votes.optional(),
  gracePeriod: whole.optional(),
})

const File = z.strictObject({
  chains: z
    .array(
      z.strictObject({
        chainId: whole.min(1, 'expected a chain id'),
        rpcUrl: url.optional(),
        confirmations: whole.min(1, 'expected a whole number from 1').optional(),
        governors: z.array(Governor).min(1, 'name at least one'),
        /** Contracts whose events announce further contracts to follow, from the chain's first `startBlock` on. */
        factories: z.array(Factory).optional(),
      }),
    )
    .min(1, 'name at least one'),
})

type Chain = z.infer<typeof File>['chains'][number]

/** The command-line options that select Governors. */
export interface GovernorOptions {
  /** A configuration file. */
  config?: string
  /** One Governor's address. */
  governor?: string
  startBlock?: number
  token?: string
  timelock?: string
  /** One chain of a file with several. */
  chain?: number
}

export interface NamedChain {
  rpcUrl?: string
  /** Appended to the name of the configured database: empty for a single chain, else `_` and the chain id. */
  databaseSuffix: string
  confirmations?: number
  deployment: FollowedDeployment
}

export const namesGovernors = ({ config, governor }: GovernorOptions) => config !== undefined || governor !== undefined

export type FollowedChain = NamedChain & { rpcUrl: string }

/** The chains to follow; `rpcUrl` may be several URLs, separated by commas. @throws ConfigError that names the option or the place in the
 *  file that cannot be used, or the chain that has no node. */
export async function followedChains(options: GovernorOptions, node: { rpcUrl: string | undefined }) {
  return (await namedChains(options, node)).map(({ rpcUrl, ...chain }): FollowedChain => {
    if (rpcUrl) return { ...chain, rpcUrl }
    const { databaseSuffix, deployment } = chain
    throw new ConfigError(
      `${options.config}: chain ${deployment.chainId} has no rpcUrl. Add an rpcUrl${databaseSuffix ? '' : ', or set RPC_URL'}.`,
    )
  })
}

/** Like `followedChains`, for commands that need no node. */
export async function namedChains(options: GovernorOptions, { rpcUrl }: { rpcUrl: string | undefined }) {
  const { config, governor } = options
  if (config !== undefined && governor !== undefined)
    throw new ConfigError('--config, --governor: give one of them, not both.')
  const all = config === undefined ? [await named(options, rpcUrl)] : await readFileOf(config)
  const chains = options.chain === undefined ? all : all.filter(({ chainId }) => chainId === options.chain)
  if (!chains.length)
    throw new ConfigError(`--chain: ${config} has no chain ${options.chain}, only ${ids(all)}. Name one of these.`)
  return chains.map(
    (chain): NamedChain => ({
      rpcUrl: chain.rpcUrl ?? (all.length === 1 ? rpcUrl : undefined),
      databaseSuffix: all.length === 1 ? '' : `_${chain.chainId}`,
      confirmations: chain.confirmations,
      deployment: {
        chainId: chain.chainId,
        startBlock: Math.min(...chain.governors.map(({ startBlock }) => startBlock)),
        addresses: {},
        governors: chain.governors.map(({ startBlock, ...followed }): FollowedGovernor => followed),
        factories: chain.factories,
      },
    }),
  )
}

const ids = (chains: readonly Pick<Chain, 'chainId'>[]) => chains.map(({ chainId }) => chainId).join(', ')

async function named(options: GovernorOptions, rpcUrl: string | undefined): Promise<Chain> {
  const { governor, startBlock, token, timelock } = options
  if (startBlock === undefined)
    throw new ConfigError(
      '--start-block: required with --governor: the block in which its token was deployed, or an earlier one.',
    )
  if (!rpcUrl) throw new ConfigError('RPC_URL: required with --governor: a node of the Governor’s chain.')
  const parsed = Governor.safeParse({ address: governor, startBlock, token, timelock })
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues
        .map(({ path, message }) => `--${path[0] === 'address' ? 'governor' : String(path[0])}: ${message}`)
        .join('\n'),
    )
  return { chainId: await chainIdOf(rpcUrl), governors: [parsed.data] }
}

/** The chain id, from the first endpoint that answers. @throws RpcUnavailable when none does. */
async function chainIdOf(rpcUrls: string): Promise<number> {
  const done = new AbortController()
  try {
    return Number(await openRpc(rpcUrls, { signal: done.signal }).request('eth_chainId'))
  } catch (cause) {
    if (!isRetriable(cause)) throw cause
    throw new RpcUnavailable('RPC_URL: no node answers there. Start it, or correct the URL.', { cause })
  } finally {
    done.abort()
  }
}

async function readFileOf(file: string): Promise<Chain[]> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new ConfigError(`--config: cannot read ${file}. Name a file like docs/governors.example.json.`, { cause })
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new ConfigError(`--config: ${file} is not JSON (${(cause as Error).message}).`, { cause })
  }
  const parsed = File.safeParse(json)
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${placeOf(path)}: ${message}`)
    throw new ConfigError(`--config: ${file} has values that cannot be used:\n  ${faults.join('\n  ')}`)
  }
  const { chains } = parsed.data
  requireOnce(
    chains.map(({ chainId }) => chainId),
    (chainId) => `${file} lists chain ${chainId} twice: put its governors together.`,
  )
  for (const { chainId, governors } of chains)
    requireOnce(
      governors.map((one) => one.address.toLowerCase()),
      (repeated) => `${file} lists ${repeated} twice on chain ${chainId}: list it once.`,
    )
  return chains
}

/** `chains[0].governors[1].address` */
const placeOf = (path: PropertyKey[]) =>
  path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i ? '.' : ''}${String(step)}`)).join('') ||
  'the file'

function requireOnce<T>(values: readonly T[], fault: (value: T) => string) {
  values.forEach((value, i) => {
    if (values.indexOf(value) !== i) throw new ConfigError(`--config: ${fault(value)}`)
  })
}

/** Writes the configuration file of one Governor from the command line, for `--config` of the other commands. The URLs of nodes are left out: they
 *  may hold keys. */
export async function writeGovernorFile(file: string, { deployment }: Pick<NamedChain, 'deployment'>): Promise<void> {
  const { chainId, startBlock, governors = [] } = deployment
  const chain = { chainId, governors: governors.map((one) => ({ ...one, startBlock: Number(startBlock) })) }
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify({ chains: [chain] }, null, 2)}\n`)
}
