import type { Abi, AbiItem } from 'viem'
import { expect, test } from 'vitest'
import { errorNotices } from '#contracts/generated/errorNotices.ts'
import { contracts } from '#contracts/generated/index.ts'
import { ADVICE } from './advice.ts'

test('every error of a contract says what to do, by its advice or its own text; there is advice for no other', () => {
  const names = new Set<string>()
  const silent: string[] = []
  for (const [contract, { abi }] of Object.entries(contracts))
    for (const item of abi as Abi) {
      if (item.type !== 'error') continue
      names.add(item.name)
      const advice = (ADVICE as Record<string, string>)[item.name]
      if (advice === undefined || (advice === '' && !noticeOf(contract, item))) silent.push(`${contract}.${item.name}`)
    }
  expect(silent).toEqual([])
  expect(Object.keys(ADVICE).filter((name) => !names.has(name))).toEqual([])
})

const noticeOf = (contract: string, { name, inputs }: Extract<AbiItem, { type: 'error' }>) =>
  errorNotices[contract]?.[`${name}(${inputs.map(({ type }) => type).join(',')})`]
