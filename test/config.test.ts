import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EnvironmentError, readConfig } from '#config'

/** The program's variables, and the files that name them. */

const source = readFileSync(new URL('../config.ts', import.meta.url), 'utf8')
const variables = [...source.matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(([, name = '']) => name)

test('.env.example has every variable, and no other', () => {
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  const named = [...example.matchAll(/^# +([A-Z][A-Z0-9_]+)=/gm)].map(([, name = '']) => name)
  expect(variables.length).toBeGreaterThan(20)
  expect(named.sort()).toEqual(variables.toSorted())
})

test('a value that is not one of a closed set is refused with the allowed ones', () => {
  const refused = (env: Record<string, string>) => {
    try {
      readConfig(env)
    } catch (error) {
      return (error as Error).message.split('\n').slice(1)
    }
  }
  expect(refused({ FINALITY: 'soon', MODELCOMMONS_DEVICE: 'gpu', MODELCOMMONS_AUTH: 'x', LOG_LEVEL: 'loud' })).toEqual([
    '  FINALITY: expected finalized or safe',
    '  MODELCOMMONS_DEVICE: expected auto, cpu, webgpu or cuda',
    '  MODELCOMMONS_AUTH: expected open or keys',
    '  LOG_LEVEL: expected trace, debug, info, warn, error or silent',
  ])
  expect(refused({ MODELCOMMONS_QUERIES_ONLY: 'yes', PORT: '0x', GPU_CONCURRENCY: '0' })).toEqual([
    '  PORT: expected a port from 0 to 65535',
    '  GPU_CONCURRENCY: expected a whole number from 1 to 64',
    '  MODELCOMMONS_QUERIES_ONLY: expected true or false',
  ])
})

test('chain and database of this machine have fixed ports by default; PORT=0 takes free ones, and a port that is given stays', () => {
  const portsOf = (env: Record<string, string>) => readConfig(env).embeddedPorts
  expect(portsOf({})).toEqual({ CHAIN_PORT: 8545, DATABASE_PORT: 54_320 })
  expect(portsOf({ PORT: '0' })).toEqual({ CHAIN_PORT: 0, DATABASE_PORT: 0 })
  expect(portsOf({ PORT: '0', CHAIN_PORT: '9545' })).toEqual({ CHAIN_PORT: 9545, DATABASE_PORT: 0 })
})

test('all faults are told at once, those of variables together among them', () => {
  const env = {
    PORT: 'x',
    S3_ENDPOINT: 'http://a',
    S3_ACCESS_KEY_ID: 'k',
    RPC_URL: 'http://b',
    MODELCOMMONS_QUERIES_ONLY: 'true',
  }
  const thrown = (() => {
    try {
      readConfig(env)
    } catch (error) {
      return error
    }
  })()
  expect(thrown).toBeInstanceOf(EnvironmentError)
  expect((thrown as EnvironmentError).faults.map(({ variables }) => variables.join())).toEqual([
    'PORT',
    'S3_BUCKET',
    'S3_ACCESS_KEY_ID,S3_SECRET_ACCESS_KEY',
    'DEPLOYMENT',
    'OPERATOR_KEY',
    'MODELCOMMONS_QUERIES',
  ])
  expect(() => readConfig({ PORT: 'x' })).toThrow(/^PORT: expected a port from 0 to 65535$/)
})

test('mirrors are addresses in an order; one that cannot be used is named without its secret', () => {
  const mirrors = (value: string) => readConfig({ ARTIFACT_MIRRORS: value }).mirrors.addresses
  expect(mirrors('https://a/artifacts, s3://key:s%2Fcret@bucket?endpoint=http://b:9000')).toEqual([
    { http: { url: new URL('https://a/artifacts') } },
    {
      s3: {
        bucket: 'bucket',
        endpoint: 'http://b:9000',
        region: 'us-east-1',
        pathStyle: undefined,
        accessKeyId: 'key',
        secretAccessKey: 's/cret',
      },
    },
  ])
  expect(mirrors('')).toEqual([])
  expect(() => mirrors('https://a,s3://key:secret@bucket/folder')).toThrow(
    /ARTIFACT_MIRRORS: s3:\/\/key:…@bucket\/folder: a mirror is a whole bucket: remove the path/,
  )
  expect(() => mirrors('ftp://a')).toThrow(/ARTIFACT_MIRRORS: .* no URL of a mirror/)
})

test('a password with special characters is given percent-encoded in DATABASE_URL, or as it is in DATABASE_PASSWORD', () => {
  const url = (env: Record<string, string>) => readConfig(env).databaseUrl
  const encoded = 'postgresql://me:a%40b%2Fc%23d@host/x'
  expect(url({ DATABASE_URL: encoded })).toBe(encoded)
  expect(url({ DATABASE_URL: 'postgresql://me@host/x', DATABASE_PASSWORD: 'a@b/c#d' })).toBe(encoded)
  const partly = 'postgresql://me:a@b/c#d@host/x' // which parses, with the host b
  for (const wrong of [
    'postgresql://me:a/b@host/x',
    'postgresql://me:a#b@host/x',
    'postgresql://me:a%b@host/x',
    partly,
  ])
    expect(() => url({ DATABASE_URL: wrong })).toThrow(/DATABASE_URL: .*set DATABASE_PASSWORD/)
})

test('hosts are addresses in lower case, each once; amounts and ages of redemptions are bounded', () => {
  const [a, b] = [`0x${'Ab'.repeat(20)}`, `0x${'cD'.repeat(20)}`]
  expect(readConfig({}).hostAddresses).toBeUndefined()
  expect(readConfig({ HOST_ADDRESSES: ` ${a},${b} ,${a.toLowerCase()}` }).hostAddresses).toEqual([
    a.toLowerCase(),
    b.toLowerCase(),
  ])
  expect(() => readConfig({ HOST_ADDRESSES: `${a},` })).toThrow(
    /HOST_ADDRESSES.*: expected an address: 0x and 40 hex digits; several separated by commas/,
  )
  expect(() => readConfig({ HOST_ADDRESSES: `${a} ${b}` })).toThrow('HOST_ADDRESSES')
  expect(readConfig({})).toMatchObject({ redeemAfterMs: 3_600_000, redeemMin: 0n })
  expect(readConfig({ REDEEM_AFTER: '0', REDEEM_MIN: '1000000000000000000' })).toMatchObject({
    redeemAfterMs: 0,
    redeemMin: 10n ** 18n,
  })
  for (const REDEEM_MIN of ['-1', '1.5', '1e18', '0x1', '9'.repeat(39)])
    expect(() => readConfig({ REDEEM_MIN })).toThrow('REDEEM_MIN: expected a whole number of wei')
  for (const REDEEM_AFTER of ['-1', '1.5', '1h', '31536001'])
    expect(() => readConfig({ REDEEM_AFTER })).toThrow('REDEEM_AFTER: expected a whole number of seconds from 0 to')
})

test('engine processes rest after some minutes, or never, but do not start all the time', () => {
  expect(readConfig({}).engineIdleMs).toBeUndefined()
  expect(readConfig({ ENGINE_IDLE_MINUTES: '0' }).engineIdleMs).toBeUndefined()
  expect(readConfig({ ENGINE_IDLE_MINUTES: '30' }).engineIdleMs).toBe(1_800_000)
  expect(() => readConfig({ ENGINE_IDLE_MINUTES: '1' })).toThrow(/ENGINE_IDLE_MINUTES.*expected 0, or at least 10/)
})
