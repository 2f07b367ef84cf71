import { pad, toEventSelector } from 'viem'
import { expect, test } from 'vitest'
import type { Log } from '../rpc/answers.ts'
import { eventIds } from './steps.ts'

test('an event that cannot be indexed counts among those of its block: its contract is set aside when it is read again', () => {
  const address = pad('0x1', { size: 20 })
  const log = (index: number, topics: string[], data: string) =>
    ({ address, topics, data, block: 7, blockHash: pad('0x7'), transactionHash: pad('0x8'), index }) as Log
  const transfer = toEventSelector('Transfer(address,address,uint256)')
  const logs = [
    log(0, [transfer, pad('0x2'), pad('0x3')], pad('0x5')),
    log(1, [transfer, pad('0x2'), pad('0x3')], '0x'),
    log(2, [toEventSelector('Unknown()')], '0x'),
  ]
  expect(eventIds(logs, new Map([[address, 'GOpen']]))).toEqual(
    new Map([[7, ['000000000007-000000', '000000000007-000001']]]),
  )
})
