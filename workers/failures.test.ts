import { expect, test } from 'vitest'
import { DatabaseError } from '#schema/database.ts'
import { RetriableError } from '#schema/errors.ts'
import { QueueError } from '#schema/queue.ts'
import { faultOf } from './failures.ts'

test.each([
  [new RetriableError('the tokenizer server is busy'), 'SERVICE'],
  [new DatabaseError('DATABASE_URL: no PostgreSQL answers'), 'DATABASE'],
  [new Error('Connection terminated unexpectedly'), 'DATABASE'],
  [Object.assign(new Error('the system is starting up'), { code: '57P03' }), 'DATABASE'],
  [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'SERVICE'],
  [new QueueError('REDIS_URL: no Redis answers'), 'QUEUE'],
  [Object.assign(new Error('write'), { code: 'ENOSPC' }), 'DISK'],
])('%s lets a job wait for %s', (error, code) => {
  expect(faultOf(error)).toMatchObject({ fault: 'infrastructure', failure: { code } })
})
