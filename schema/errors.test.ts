import pg from 'pg'
import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { ArtifactError, ArtifactStoreError } from './artifacts/index.ts'
import { DatabaseError } from './database.ts'
import { EnqueueError } from './enqueue.ts'
import { isRetriable, PermanentError, RetriableError } from './errors.ts'
import { InputError } from './inputs.ts'
import { QueueError } from './queue.ts'

test('an unavailable service may be tried again, a wrong input may not', () => {
  const away = [
    new DatabaseError('away'),
    new QueueError('away'),
    new ArtifactStoreError('unreachable', 'away'),
    new ArtifactStoreError('full', 'no room'),
  ]
  for (const error of away) {
    expect(error).toBeInstanceOf(RetriableError)
    expect(isRetriable(error)).toBe(true)
  }
  const wrong = [
    new InputError('too large'),
    new EnqueueError('JOB_NOT_FOUND', 'no job'),
    new ArtifactError('missing', 'absent'),
    new ArtifactError('corrupt', 'altered'),
  ]
  for (const error of wrong) {
    expect(error).toBeInstanceOf(PermanentError)
    expect(isRetriable(error)).toBe(false)
  }
})

test('a message or a name that looks like another error decides nothing', () => {
  expect(isRetriable(new Error('RpcUnavailable: ECONNRESET'))).toBe(false)
  expect(isRetriable(Object.assign(new Error('x'), { name: 'RetriableError' }))).toBe(false)
  expect(isRetriable(Object.assign(new Error('x'), { code: 53300 }))).toBe(false)
  expect(isRetriable('ECONNRESET')).toBe(false)
})

test('errors of PostgreSQL are classified by SQLSTATE', async () => {
  const db = await freshDatabase()
  const stateError = (state: string) =>
    db
      .query(`do $$ begin raise exception 'any' using errcode = '${state}'; end $$`)
      .then(() => undefined)
      .catch((error: unknown) => error)
  for (const state of [
    '08006',
    '57P01',
    '57P03',
    '53100',
    '53200',
    '53300',
    '58030',
    '25006',
    '25P03',
    '40001',
    '40P01',
  ])
    expect(isRetriable(await stateError(state)), state).toBe(true)
  for (const state of ['23505', '42P01', '22003', '57014'])
    expect(isRetriable(await stateError(state)), state).toBe(false)
})

test('a connection that cannot be opened, or is lost, may be tried again', async () => {
  const refused = await new pg.Client({ host: '127.0.0.1', port: 1 }).connect().catch((error: unknown) => error)
  expect(isRetriable(refused)).toBe(true)
  const { url } = await freshDatabase()
  const [lost, other] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })]
  lost.on('error', () => {})
  await Promise.all([lost.connect(), other.connect()])
  const { rows } = await lost.query('select pg_backend_pid() as pid')
  const killed = lost.query('select pg_sleep(60)').catch((error: unknown) => error)
  await other.query('select pg_terminate_backend($1)', [rows[0].pid])
  expect(isRetriable(await killed)).toBe(true)
  const afterwards = await lost.query('select 1').catch((error: unknown) => error)
  expect(isRetriable(afterwards)).toBe(true)
  await other.end()
})
