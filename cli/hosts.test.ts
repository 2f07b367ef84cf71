import { expect, test } from 'vitest'
import { readConfig } from '#config'
import { account } from '#test/factory.ts'
import { hostsOf } from './hosts.ts'

test('the hosts are those of HOST_ADDRESSES, else the account of OPERATOR_KEY, else the operator of the deployment', () => {
  const operator = `0x${'Cd'.repeat(20)}` as const
  const deployment = { holders: { operator, resolver: operator, guardian: operator } }
  const hosts = (env: Record<string, string>) => hostsOf(readConfig(env), deployment)
  const OPERATOR_KEY = `0x${'11'.repeat(32)}`
  expect(hosts({})).toEqual([operator.toLowerCase()])
  expect(hosts({ OPERATOR_KEY })).toEqual(['0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a'])
  expect(hosts({ OPERATOR_KEY, HOST_ADDRESSES: `${account(1)},${account(2)}` })).toEqual([account(1), account(2)])
})
