import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '#config'
import { READER } from '#schema/reader.ts'
import { must } from './must.ts'

/** docker-compose.yml as Docker reads it: anchors and merges are resolved. Docker itself is not needed. */

interface ComposeService {
  image: string
  build?: string
  command?: string[]
  environment?: Record<string, string | number>
  volumes?: (string | { source: string; target: string; bind?: { create_host_path?: boolean } })[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  ports?: string[]
}

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, ComposeService> }
const { services } = compose
const OURS = ['indexer', 'api', 'worker'] as const
const service = (name: string) => must(services[name])

/** Set by one service only, or by none. */
const PRIVATE: Record<string, string> = {
  OPERATOR_KEY: 'worker',
  JOURNAL_KEY: 'worker',
  RELAYER_KEY: 'worker',
  CHAIN_PORT: 'no service: the embedded chain',
  DATABASE_PORT: 'no service: the embedded database',
  WATCHER_KEY: 'no service: modelcommons watch',
  ...Object.fromEntries(
    ['MODELCOMMONS_API', 'MODELCOMMONS_API_KEY', 'MODELCOMMONS_KEY', 'MODELCOMMONS_PASSPHRASE'].map((name) => [
      name,
      'no service: the commands of people',
    ]),
  ),
  DATABASE_READER_PASSWORD: 'migrate',
  INDEX_PORT: 'indexer',
  API_METRICS_PORT: 'api',
  WORKER_PORT: 'worker',
  STREAM_HOST: 'worker',
  STREAM_PORT: 'worker',
  STREAM_URL: 'worker',
}

test('every variable of .env.example reaches the services; secrets and ports only the one that needs them', () => {
  const variables = [...read('.env.example').matchAll(/^# +([A-Z][A-Z0-9_]+)=/gm)].map(([, name = '']) => name)
  expect(variables.length).toBeGreaterThan(30)
  for (const name of OURS)
    expect(Object.keys(service(name).environment ?? {}).sort()).toEqual(
      variables.filter((each) => !PRIVATE[each] || PRIVATE[each] === name).sort(),
    )
  expect(Object.keys(service('migrate').environment ?? {}).sort()).toEqual(
    ['DATABASE_PASSWORD', 'DATABASE_READER_PASSWORD', 'DATABASE_URL'].sort(),
  )
})

/** Replaces `${NAME:?…}` and `${NAME:-}` like Compose. */
const resolved = (name: string, env: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(service(name).environment ?? {}).map(([key, value]) => [
      key,
      String(value).replace(/\$\{(\w+)(:[-?][^}]*)?\}/g, (_, variable: string) => env[variable] ?? ''),
    ]),
  )

test('the services accept the environment, whatever characters the password has', () => {
  const password = `a@b/c#d%25 e:f'"?&`
  const key = `0x${'11'.repeat(32)}`
  const env = { POSTGRES_PASSWORD: password, RPC_URL: 'https://node/key', OPERATOR_KEY: key }
  for (const name of OURS) {
    const config = readConfig(resolved(name, env), { signs: name === 'worker' })
    expect(decodeURIComponent(new URL(must(config.databaseUrl)).password)).toBe(password)
    expect(config).toMatchObject({ deployment: '/deployment.json', home: '/state', logLevel: 'info', auth: 'keys' })
    expect(config.operatorKey).toBe(name === 'worker' ? key : undefined)
  }
})

test('each service has a health check and starts after the migration; a missing deployment file is not created as a folder', () => {
  for (const [name, { healthcheck }] of Object.entries(services))
    if (name !== 'migrate') expect(healthcheck?.test.length, name).toBeGreaterThan(1)
  for (const name of OURS) {
    const { depends_on: after, volumes = [], healthcheck, environment = {} } = service(name)
    expect(after?.migrate).toEqual({ condition: 'service_completed_successfully' })
    const deployment = volumes.find((one) => typeof one === 'object' && one.target === environment.DEPLOYMENT)
    expect(deployment).toMatchObject({ type: 'bind', read_only: true, bind: { create_host_path: false } })
    const port = Number(new URL(must(healthcheck?.test.at(-1))).port)
    expect([environment.INDEX_PORT, environment.API_METRICS_PORT, environment.WORKER_PORT]).toContain(port)
  }
})

test('Grafana has no default password, reads through the read-only role, and mounts what exists', () => {
  const { environment = {}, ports } = service('grafana')
  expect(environment.GF_SECURITY_ADMIN_PASSWORD).toMatch(/^\$\{GRAFANA_PASSWORD:\?/)
  expect(JSON.stringify(environment)).not.toContain('POSTGRES_PASSWORD')
  expect(ports).toEqual(['127.0.0.1:3000:3000'])
  const sources = parse(read('dashboards/grafana/provisioning/datasources/sources.yml'))
  const postgres = sources.datasources.find((one: { name: string }) => one.name === 'PostgreSQL')
  expect(postgres).toMatchObject({ user: READER, secureJsonData: { password: '$DATABASE_READER_PASSWORD' } })
  for (const { volumes = [] } of Object.values(services))
    for (const volume of volumes)
      if (typeof volume === 'string' && volume.startsWith('./'))
        expect(existsSync(new URL(`../${volume.split(':')[0]}`, import.meta.url)), volume).toBe(true)
})

test('the image has a pinned base, this release, and runs as another user than root', () => {
  const { version } = JSON.parse(read('package.json'))
  for (const name of [...OURS, 'migrate']) expect(service(name).image).toBe(`modelcommons:${version}`)
  const dockerfile = read('Dockerfile')
  for (const [, base] of dockerfile.matchAll(/^FROM (\S+)/gm)) expect(base).toMatch(/^node:22\.\d+\.\d+-/)
  expect(dockerfile).toMatch(/^USER node$/m)
  expect(read('.dockerignore').split('\n')).toEqual(expect.arrayContaining(['.env', 'deployment.json', '.git']))
})
