import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** The measured gas of docs/gas.md, for one item: `measuredGas('InferenceMarket', 'redeem')`. @throws Error when the page lacks the action. */
export function measuredGas(contract: string, action: string): bigint {
  const gas = measured().get(`${contract}.${action}`)
  if (gas === undefined) throw new Error(`docs/gas.md has no “${action}” of ${contract}.`)
  return gas
}

let page: Map<string, bigint> | undefined

function measured(): Map<string, bigint> {
  page ??= new Map(
    readFileSync(resolve(import.meta.dirname, '../../../../docs/gas.md'), 'utf8')
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .filter((cells) => /^[\d,]+$/.test(cells[4] ?? ''))
      .map(([, contract, action, , gas = '', each]) => [`${contract}.${action}`, number(each || gas)]),
  )
  return page
}

const number = (text: string) => BigInt(text.replaceAll(',', ''))
