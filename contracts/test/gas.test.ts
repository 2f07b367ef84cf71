import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { gasPage, measureGas } from './gas.ts'

test('docs/gas.md is current and no batch comes near a block; if not, run `npm run contracts -- --gas`', async () => {
  const rows = await measureGas()
  expect(readFileSync(new URL('../../docs/gas.md', import.meta.url), 'utf8')).toBe(gasPage(rows))
  for (const { contract, action, gas } of rows) expect(gas, `${contract} ${action}`).toBeLessThan(15_000_000n)
})
