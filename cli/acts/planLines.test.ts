import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { callWords } from '#client/chain/callWords.ts'
import type { Client, PlannedStep } from '#client/index.ts'
import { planLines } from './planLines.ts'

const REGISTRY = '0x00000000000000000000000000000000000000D1'
const deployment = { addresses: { DatanetRegistry: REGISTRY } } as unknown as Client['deployment']
const from = `0x${'a'.repeat(40)}` as const

test('a dry run says what is staked, in tokens, and what all steps take together; hashes are for programs', () => {
  const hashes = Array.from({ length: 123 }, () => `0x${'12'.repeat(32)}`)
  const each = 10n ** 16n
  const plan: PlannedStep[] = [
    { step: 'GOpen.approve', from, args: [REGISTRY, 123n * each], value: 0n, gas: 50_000n, cost: 5n * 10n ** 13n },
    { step: 'DatanetRegistry.submit', from, args: [1n, from, hashes, each, '0x', 0n, '0x'], value: 0n },
  ]
  expect(planLines({ deployment }, plan)).toEqual([
    'Allow the contract DatanetRegistry to take 1.23 gOPEN of yours  (gas at most 0.00005)',
    'Submit 123 samples to datanet 1: you stake 123 × 0.01 = 1.23 gOPEN  (gas unknown until the step before is sent)',
    'In all: you stake, lock or pay 1.23 gOPEN; gas costs at most 0.00005 native tokens, and what is unknown yet.',
    'Nothing was signed or sent.',
  ])
})

test('what is signed for the API costs no gas; a relayed step costs the API', () => {
  const args = [`0x${'12'.repeat(32)}`, 10n ** 18n]
  expect(planLines({ deployment }, [{ step: 'sign a voucher', from, args, value: 0n }])[0]).toBe(
    'Promise the host at most 1 gOPEN of the channel in all, for the calls so far and this one',
  )
  const vote = { step: 'ModelGovernor.castVoteWithReason', from, args: [7n, 1, ''], value: 0n, gas: 9n, cost: 0n }
  expect(planLines({ deployment }, [vote])[0]).toBe('Vote for on proposal 7, without a reason  (the API pays the gas)')
  expect(planLines({ deployment }, [])).toEqual(['Nothing was signed or sent.'])
})

test('every call that the client sends is put into words', async () => {
  const folder = join(import.meta.dirname, '../../client/acts')
  const sources = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')))
  const calls = sources.flatMap((text) =>
    [...text.matchAll(/contract: '(\w+)',\s*functionName: '(\w+)'/g)].map(
      ([, contract, name]) => `${contract}.${name}`,
    ),
  )
  expect(calls.length).toBeGreaterThan(30)
  const hasWords = (step: string) => {
    try {
      return callWords({ step, args: [], value: 0n }) !== undefined
    } catch {
      return true // for the arguments that it has
    }
  }
  expect(calls.filter((call) => !hasWords(call))).toEqual([])
})
