import { join, resolve } from 'node:path'
import { z } from 'zod'
import { ADDRESS_FORM, isAddressText } from '#schema/address.ts'
import type { MirrorAddress, S3Settings } from '#schema/artifacts/index.ts'
import { mirrorAddress } from '#schema/artifacts/mirrorAddress.ts'
import { PermanentError } from '#schema/errors.ts'

/** The one place that reads the environment. Every variable has a default that works; a value that cannot be used is an
 *  error that names the variable. */

const url = (protocols: string[], hint = '') =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    message: `expected a URL that starts with ${protocols.map((one) => `${one}//`).join(' or ')}${hint}`,
  })
function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== ''
  } catch {
    return false
  }
}

/** With `p@a/b` as its password, a URL parses: with the host `a` and the rest in its path. */
function hasPlainPath(text: string): boolean {
  if (!URL.canParse(text)) return true // told by the check of the protocol
  const { pathname, hash } = new URL(text)
  return !pathname.includes('@') && hash === ''
}

/** The URL with its password, which may have any character. */
function databaseUrl(text: string | undefined, password: string | undefined): string | undefined {
  if (!text || password === undefined) return text
  const complete = new URL(text)
  complete.password = encodeURIComponent(password)
  return complete.href
}

/** One or more, separated by commas. */
const urls = (protocols: string[]) =>
  z
    .string()
    .transform((value) => value.split(',').map((one) => one.trim()))
    .pipe(z.array(url(protocols)))
/** Addresses of mirrors, separated by commas. */
const mirrorAddresses = z.string().transform((value, context): MirrorAddress[] => {
  try {
    return value.split(',').map((one) => mirrorAddress(one.trim()))
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
    return z.NEVER
  }
})
/** Origins as browsers send them, separated by commas. */
const corsOrigins = z
  .string()
  .transform((value) => value.split(',').map((one) => one.trim().replace(/\/$/, '').toLowerCase()))
  .pipe(
    z.array(
      z.string().refine((one) => one === '*' || (URL.canParse(one) && new URL(one).origin === one && one !== 'null'), {
        message: 'expected origins such as https://app.example.org, separated by commas, or *',
      }),
    ),
  )
const whole = (min: number, max: number, what = 'a whole number') => {
  const expected = `expected ${what} from ${min} to ${max}`
  return z.coerce.number(expected).int(expected).min(min, expected).max(max, expected)
}
const port = whole(0, 65_535, 'a port')
const count = (max: number) => whole(1, max)
const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, `expected ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`)
const key = z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'expected a private key: 0x and 64 hex digits')

/** A chain is expected at 8545, as anvil and hardhat have it. The database leaves 5432 to a PostgreSQL of this machine. */
const DEFAULT_PORTS = { chain: 8545, database: 54_320 } as const

const schema = z.object({
  /** The folder of the embedded servers' files. */
  MODELCOMMONS_HOME: z.string().min(1).default('.modelcommons'),
  DATABASE_URL: url(['postgres:', 'postgresql:'], ' (percent-encode @ / # % in the password, or set DATABASE_PASSWORD)')
    .refine(isDecodable, 'has a % that is no percent-encoding: write %25, or set DATABASE_PASSWORD')
    .refine(
      hasPlainPath,
      'has an @ or # behind the host: percent-encode @ / # in the password, or set DATABASE_PASSWORD',
    )
    .optional(),
  /** The password of DATABASE_URL, when it is not in the URL: any characters. */
  DATABASE_PASSWORD: z.string().optional(),
  /** The password of the role that may only read, which `modelcommons migrate` creates. */
  DATABASE_READER_PASSWORD: z.string().min(8, 'expected at least 8 characters').optional(),
  REDIS_URL: url(['redis:', 'rediss:']).optional(),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'expected letters, digits, _ . or -')
    .optional(),
  /** The first is preferred; the indexer compares the others with it, and uses them when it does not answer. */
  RPC_URL: urls(['http:', 'https:', 'ws:', 'wss:']).optional(),
  /** A node that anybody may use: clients learn it from the API. RPC_URL itself is never told, because it may hold a key. */
  PUBLIC_NODE_URL: url(['http:', 'https:']).optional(),
  /** The API that `wrap`, `contribute`, `call` and the other commands of people use; by default the one of this machine at PORT. */
  MODELCOMMONS_API: url(['http:', 'https:']).optional(),
  /** The key of an API with MODELCOMMONS_AUTH=keys, for those commands. */
  MODELCOMMONS_API_KEY: z.string().min(8, 'expected a key of `modelcommons keys create`').optional(),
  /** The private key of the account that acts; without it, an account of `modelcommons account`. */
  MODELCOMMONS_KEY: key.optional(),
  /** Opens the file of that account. */
  MODELCOMMONS_PASSPHRASE: z.string().min(1).optional(),
  /** A Subsquid archive gateway of the chain, for the blocks far behind the head. */
  GATEWAY_URL: url(['http:', 'https:']).optional(),
  /** Blocks this far behind the head count as final, on chains without a `finalized` tag. */
  CONFIRMATIONS: count(100_000).optional(),
  /** The chain's tag of the final block: `safe` comes sooner than `finalized`, but is more likely to be reorganised. */
  FINALITY: oneOf(['finalized', 'safe']).default('finalized'),
  /** The deployment to follow: a file written by `modelcommons deploy`. Required with RPC_URL. */
  DEPLOYMENT: z.string().min(1).optional(),
  /** The interval of comparisons of the index with the contracts; 0 disables them. */
  RECONCILE_SECONDS: whole(0, 86_400, 'a whole number of seconds').default(600),
  /** Whether the workers keep the models that have a policy: train, evaluate, promote and so on without a person. */
  STEWARD: oneOf(['on', 'off']).default('on'),
  /** The operator's policies, for what mandates leave open: see `docs/steward.example.yaml`. */
  STEWARD_FILE: z.string().min(1).optional(),
  /** The private key that signs the workers' transactions. */
  OPERATOR_KEY: key.optional(),
  /** Whether the API takes signed acts of accounts without gas, for workers with RELAYER_KEY to send. */
  RELAY: oneOf(['on', 'off']).default('off'),
  /** The private key whose account sends and pays what is relayed: an account of its own, with no role. */
  RELAYER_KEY: key.optional(),
  /** How many acts are relayed in 24 hours for one account, and for one key of the API. */
  RELAY_ACTS_PER_DAY: count(1_000_000).default(50),
  /** The most gas that a relayed act may use. */
  RELAY_GAS_PER_ACT: whole(21_000, 16_777_216, 'a number of units of gas').default(4_000_000),
  /** The gas that relayed acts may use in 24 hours, for one account, and for one key of the API. */
  RELAY_GAS_PER_DAY: whole(21_000, 2 ** 50, 'a number of units of gas').default(20_000_000),
  /** The same for all accounts together. */
  RELAY_TOTAL_GAS_PER_DAY: whole(21_000, 2 ** 50, 'a number of units of gas').default(200_000_000),
  /** With it, `modelcommons watch` disputes wrong reward maps; its account pays the bonds. */
  WATCHER_KEY: key.optional(),
  /** The hosts whose endpoints are answered here; by default the account of OPERATOR_KEY, or the deployment's operator. */
  HOST_ADDRESSES: z
    .string()
    .transform((value) => [...new Set(value.split(',').map((one) => one.trim().toLowerCase()))])
    .pipe(
      z.array(z.string().refine((one) => isAddressText(one), `expected ${ADDRESS_FORM}; several separated by commas`)),
    )
    .optional(),
  /** The age of the oldest fee that is not redeemed, after which the workers redeem. */
  REDEEM_AFTER: whole(0, 31_536_000, 'a whole number of seconds').default(3600),
  /** Less than this is not redeemed from a channel, unless its consumer withdraws. */
  REDEEM_MIN: z
    .string()
    .regex(/^\d{1,38}$/, 'expected a whole number of wei with at most 38 digits')
    .default('0'),
  /** The GraphQL endpoint of whoever publishes reward maps: workers of a host that publishes none offer their usage documents there. */
  PUBLISHER_URL: url(['http:', 'https:']).optional(),
  /** How long an epoch waits for the usage documents of other hosts, after its last block. */
  USAGE_WAIT: whole(0, 86_400, 'a whole number of seconds').default(600),
  /** The most that these transactions may pay for a unit of gas. */
  MAX_FEE_GWEI: z.coerce
    .number('expected a number of gwei')
    .min(0.001, 'expected at least 0.001')
    .max(1e9, 'expected at most 1000000000')
    .default(500),
  /** The keys that seal the journal of answers: the first seals, the others only open. */
  JOURNAL_KEY: z
    .string()
    .transform((value) => value.split(',').map((one) => one.trim()))
    .pipe(z.array(z.string().regex(/^(0x)?[0-9a-fA-F]{64}$/, 'expected keys of 64 hex digits, separated by commas')))
    .optional(),
  S3_ENDPOINT: url(['http:', 'https:']).optional(),
  S3_BUCKET: z.string().min(3, 'expected the name of a bucket: at least 3 characters').optional(),
  S3_REGION: z.string().optional(),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  S3_SESSION_TOKEN: z.string().optional(),
  /** Whether the bucket stands in the path of the URL (the default with an endpoint) or in its host name. */
  S3_PATH_STYLE: oneOf(['true', 'false']).optional(),
  /** The disk space for artifacts that were read from S3. */
  ARTIFACT_CACHE_BYTES: whole(2 ** 20, 2 ** 50, 'a number of bytes').default(20 * 2 ** 30),
  /** Where artifacts are read that are missing in the own store, in this order. */
  ARTIFACT_MIRRORS: mirrorAddresses.optional(),
  /** The largest artifact that is read from a mirror. */
  ARTIFACT_MIRROR_BYTES: whole(2 ** 10, 2 ** 50, 'a number of bytes').default(8 * 2 ** 30),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.default(4000),
  /** The ports of the embedded chain and of the embedded database: always the same, so that wallets and tools find them again. */
  CHAIN_PORT: port.optional(),
  DATABASE_PORT: port.optional(),
  /** The ports of /live, /ready and /metrics of each service; without one there are none. */
  API_METRICS_PORT: port.optional(),
  INDEX_PORT: port.optional(),
  WORKER_PORT: port.optional(),
  /** Where a worker lets the API read running answers; 0 takes a free port. */
  STREAM_HOST: z.string().min(1).default('127.0.0.1'),
  STREAM_PORT: port.default(0),
  /** The address under which the API reaches it, when it is another one. */
  STREAM_URL: url(['http:', 'https:']).optional(),
  /** An API whose index lags further behind its chain is not ready; 0: it is ready however old its answers are. */
  READY_LAG_BLOCKS: whole(0, 1_000_000_000, 'a whole number of blocks').default(100),
  /** What a consumer's key may upload in a day (UTC), in millions of bytes. */
  UPLOAD_MB_PER_DAY: whole(0, 1_000_000, 'a whole number of megabytes').default(100),
  /** The address on which these ports listen. */
  METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  /** The bearer token for /metrics; without it, they answer this machine and private networks only. */
  METRICS_TOKEN: z.string().min(16, 'expected at least 16 characters').optional(),
  MODELCOMMONS_DEVICE: oneOf(['auto', 'cpu', 'webgpu', 'cuda']).default('auto'),
  GPU_CONCURRENCY: count(64).default(1),
  CPU_CONCURRENCY: count(256).default(4),
  /** An engine process without work for so many minutes ends, and its models leave the memory; 0: it stays. Many starts in a short time are an alarm. */
  ENGINE_IDLE_MINUTES: whole(0, 10_000, 'a whole number of minutes')
    .refine((minutes) => minutes === 0 || minutes >= 10, 'expected 0, or at least 10 minutes')
    .default(0),
  /** Whether a worker loads the models of its endpoints before they are called. */
  ENGINE_WARM_UP: oneOf(['on', 'off']).default('on'),
  /** After how many days ended jobs that nothing needs are deleted; 0: never. */
  JOB_RETENTION_DAYS: whole(0, 36_500, 'a whole number of days').default(90),
  /** After how many days prompts and answers of calls are removed; 0: never. */
  TEXT_RETENTION_DAYS: whole(0, 36_500, 'a whole number of days').default(30),
  /** The lanes of jobs that a worker runs, with the slots of each: see `cli/workerSlots.ts`. */
  WORKER_KINDS: z.string().min(1).optional(),
  /** open: everybody who can reach the port may start jobs; keys: `modelcommons keys` grants access. */
  MODELCOMMONS_AUTH: oneOf(['open', 'keys']).optional(),
  /** Origins whose pages may use the API in browsers, separated by commas, or `*`; without it only the API's own pages. */
  CORS_ORIGINS: corsOrigins.optional(),
  /** A file of GraphQL queries by the SHA-256 of their text: clients may send the hash instead of the text. */
  MODELCOMMONS_QUERIES: z.string().min(1).optional(),
  /** Whether the API answers no other queries. */
  MODELCOMMONS_QUERIES_ONLY: oneOf(['true', 'false']).default('false'),
  /** The collector of OpenTelemetry traces. All other standard OTEL_ variables are read by its SDK. */
  OTEL_EXPORTER_OTLP_ENDPOINT: url(['http:', 'https:']).optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url(['http:', 'https:']).optional(),
  OTEL_SDK_DISABLED: oneOf(['true', 'false']).default('false'),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

/** The environment or the options must be corrected. */
export class ConfigError extends PermanentError {
  override name = 'ConfigError'
}

/** Variables that cannot be used as they are, and why. */
export interface ConfigFault {
  variables: string[]
  problem: string
}

/** The environment has faults: all of them. */
export class EnvironmentError extends ConfigError {
  override name = 'EnvironmentError'
  constructor(readonly faults: readonly ConfigFault[]) {
    const lines = faults.map(({ variables, problem }) => `${variables.join(', ')}: ${problem}`)
    super(
      lines.length === 1
        ? (lines[0] as string)
        : `The environment has values that cannot be used:\n  ${lines.join('\n  ')}`,
    )
  }
}

export type Config = ReturnType<typeof readConfig>

interface ReadOptions {
  requireDeployment?: boolean
  signs?: boolean
}

/** What variables lack or contradict together. */
function contradictionsIn(
  given: Record<string, string | undefined>,
  { requireDeployment, signs }: Required<ReadOptions>,
): ConfigFault[] {
  const faults: ConfigFault[] = []
  const expect = (holds: unknown, variables: string[], problem: string) => holds || faults.push({ variables, problem })
  expect(!given.S3_ENDPOINT || given.S3_BUCKET, ['S3_BUCKET'], 'required when S3_ENDPOINT is set.')
  expect(
    Boolean(given.S3_ACCESS_KEY_ID) === Boolean(given.S3_SECRET_ACCESS_KEY),
    ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
    'set both, or neither to use the credentials of the AWS environment.',
  )
  expect(
    !given.RELAYER_KEY || given.RELAYER_KEY.toLowerCase() !== given.OPERATOR_KEY?.toLowerCase(),
    ['RELAYER_KEY', 'OPERATOR_KEY'],
    'must differ: what is relayed must not keep the workers’ transactions waiting, nor use their gas.',
  )
  if (requireDeployment && given.RPC_URL) {
    expect(
      given.DEPLOYMENT,
      ['DEPLOYMENT'],
      'required when RPC_URL is set: the file that `modelcommons deploy` wrote for that chain.',
    )
    expect(
      !signs || given.OPERATOR_KEY,
      ['OPERATOR_KEY'],
      'required when RPC_URL is set: the private key that signs what the workers write on chain.',
    )
  }
  expect(
    given.MODELCOMMONS_QUERIES_ONLY !== 'true' || given.MODELCOMMONS_QUERIES,
    ['MODELCOMMONS_QUERIES'],
    'required when MODELCOMMONS_QUERIES_ONLY is true: the file of queries.',
  )
  const auth = given.MODELCOMMONS_AUTH ?? (given.RPC_URL ? 'keys' : 'open')
  expect(
    auth === 'keys' || !given.CORS_ORIGINS?.includes('*'),
    ['CORS_ORIGINS', 'MODELCOMMONS_AUTH'],
    '`*` lets every page in the world start jobs here while no keys are required. Name the origins, or set MODELCOMMONS_AUTH=keys.',
  )
  return faults
}

/** Reads and validates the environment. Without `requireDeployment`, RPC_URL may be a chain without our contracts; without `signs`, no
 *  OPERATOR_KEY is required.
 *  @throws EnvironmentError that names every variable that cannot be used, and why. */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  { requireDeployment = true, signs = true }: ReadOptions = {},
) {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given)
  const faults = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    variables: [String(path[0])],
    problem: message,
  }))
  faults.push(...contradictionsIn(given, { requireDeployment, signs }))
  if (!parsed.success || faults.length) throw new EnvironmentError(faults)
  const value = parsed.data
  const home = resolve(value.MODELCOMMONS_HOME)
  return {
    home,
    databaseUrl: databaseUrl(value.DATABASE_URL, value.DATABASE_PASSWORD),
    databaseReaderPassword: value.DATABASE_READER_PASSWORD,
    redisUrl: value.REDIS_URL,
    redisPrefix: value.REDIS_PREFIX,
    rpcUrl: value.RPC_URL?.[0],
    /** All of `RPC_URL`, as it was given. */
    rpcUrls: value.RPC_URL?.join(','),
    publicNodeUrl: value.PUBLIC_NODE_URL,
    /** Whether somebody has named the API. */
    apiIsNamed: value.MODELCOMMONS_API !== undefined,
    apiUrl: value.MODELCOMMONS_API ?? `http://127.0.0.1:${value.PORT}`,
    apiKey: value.MODELCOMMONS_API_KEY,
    accountKey: value.MODELCOMMONS_KEY as `0x${string}` | undefined,
    passphrase: value.MODELCOMMONS_PASSPHRASE,
    chainCache: join(home, 'chain-cache'),
    gatewayUrl: value.GATEWAY_URL,
    confirmations: value.CONFIRMATIONS,
    finality: value.FINALITY,
    reconcileMs: value.RECONCILE_SECONDS * 1000,
    deployment: value.DEPLOYMENT,
    operatorKey: value.OPERATOR_KEY as `0x${string}` | undefined,
    relayerKey: value.RELAYER_KEY as `0x${string}` | undefined,
    relay:
      value.RELAY === 'on'
        ? {
            actsPerDay: value.RELAY_ACTS_PER_DAY,
            gasPerAct: value.RELAY_GAS_PER_ACT,
            gasPerDay: value.RELAY_GAS_PER_DAY,
            totalGasPerDay: value.RELAY_TOTAL_GAS_PER_DAY,
          }
        : undefined,
    /** In units. */
    relayGasPerAct: BigInt(value.RELAY_GAS_PER_ACT),
    watcherKey: value.WATCHER_KEY as `0x${string}` | undefined,
    journalKeys: value.JOURNAL_KEY?.map((one) => one.replace(/^0x/, '')),
    /** In lower case. */
    hostAddresses: value.HOST_ADDRESSES,
    redeemAfterMs: value.REDEEM_AFTER * 1000,
    publisherUrl: value.PUBLISHER_URL,
    usageWaitSeconds: value.USAGE_WAIT,
    /** In wei. */
    redeemMin: BigInt(value.REDEEM_MIN),
    /** In wei. */
    maxFee: BigInt(Math.round(value.MAX_FEE_GWEI * 1e9)),
    artifacts: join(home, 'artifacts'),
    artifactCache: { folder: join(home, 'cache', 'artifacts'), maxBytes: value.ARTIFACT_CACHE_BYTES },
    mirrors: { addresses: value.ARTIFACT_MIRRORS ?? [], maxBytes: value.ARTIFACT_MIRROR_BYTES },
    s3: value.S3_BUCKET
      ? ({
          endpoint: value.S3_ENDPOINT,
          bucket: value.S3_BUCKET,
          region: value.S3_REGION,
          accessKeyId: value.S3_ACCESS_KEY_ID,
          secretAccessKey: value.S3_SECRET_ACCESS_KEY,
          sessionToken: value.S3_SESSION_TOKEN,
          pathStyle: value.S3_PATH_STYLE === undefined ? undefined : value.S3_PATH_STYLE === 'true',
        } satisfies S3Settings as S3Settings)
      : undefined,
    host: value.HOST,
    port: value.PORT,
    /** Where the embedded servers listen. Whoever lets the API take a free port runs several systems beside each other. */
    embeddedPorts: {
      CHAIN_PORT: value.CHAIN_PORT ?? (value.PORT === 0 ? 0 : DEFAULT_PORTS.chain),
      DATABASE_PORT: value.DATABASE_PORT ?? (value.PORT === 0 ? 0 : DEFAULT_PORTS.database),
    },
    statusPorts: {
      API_METRICS_PORT: value.API_METRICS_PORT,
      INDEX_PORT: value.INDEX_PORT,
      WORKER_PORT: value.WORKER_PORT,
    },
    streams: { host: value.STREAM_HOST, port: value.STREAM_PORT, url: value.STREAM_URL?.replace(/\/$/, '') },
    maxLagBlocks: value.READY_LAG_BLOCKS || Number.POSITIVE_INFINITY,
    maxUploadBytes: value.UPLOAD_MB_PER_DAY * 1_000_000,
    metricsHost: value.METRICS_HOST,
    metricsToken: value.METRICS_TOKEN,
    device: value.MODELCOMMONS_DEVICE,
    gpuConcurrency: value.GPU_CONCURRENCY,
    engineIdleMs: value.ENGINE_IDLE_MINUTES === 0 ? undefined : value.ENGINE_IDLE_MINUTES * 60_000,
    engineWarmUp: value.ENGINE_WARM_UP === 'on',
    cpuConcurrency: value.CPU_CONCURRENCY,
    jobRetentionDays: value.JOB_RETENTION_DAYS,
    textRetentionDays: value.TEXT_RETENTION_DAYS,
    workerKinds: value.WORKER_KINDS,
    corsOrigins: value.CORS_ORIGINS,
    auth: value.MODELCOMMONS_AUTH ?? (value.RPC_URL ? ('keys' as const) : ('open' as const)),
    queries: value.MODELCOMMONS_QUERIES && resolve(value.MODELCOMMONS_QUERIES),
    queriesOnly: value.MODELCOMMONS_QUERIES_ONLY === 'true',
    /** Whether spans are sent to a collector. */
    tracing:
      value.OTEL_SDK_DISABLED === 'false' &&
      Boolean(value.OTEL_EXPORTER_OTLP_ENDPOINT ?? value.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),
    steward: value.STEWARD === 'on',
    stewardFile: value.STEWARD_FILE,
    logLevel: value.LOG_LEVEL,
  }
}
