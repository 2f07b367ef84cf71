import { formatEther } from 'viem'
import { callWords, takenBy } from '#client/chain/callWords.ts'
import type { Client, PlannedStep } from '#client/index.ts'
import { plainJson } from './plainText.ts'

/** What a dry run would have signed and sent, for people: what each step does, takes and costs, and all of them together. */
export function planLines({ deployment }: Pick<Client, 'deployment'>, plan: readonly PlannedStep[]): string[] {
  const contracts = new Map(Object.entries(deployment.addresses).map(([name, at]) => [at.toLowerCase(), name]))
  const named = (name: string) => contracts.get(name.toLowerCase()) ?? name
  const lines = plan.map((one) => `${callWords(one, named) ?? nameOf(one)}${gasOf(one)}`)
  return [...lines, ...(plan.length > 1 ? [sumOf(plan)] : []), 'Nothing was signed or sent.']
}

const nameOf = ({ step, args }: PlannedStep) => `${step}(${JSON.stringify(args, plainJson).slice(1, -1)})`

/** A step without a contract is signed for the API alone. */
function gasOf({ step, gas, cost }: PlannedStep): string {
  if (!step.includes('.')) return ''
  if (gas === undefined) return '  (gas unknown until the step before is sent)'
  return cost === 0n ? '  (the API pays the gas)' : `  (gas at most ${formatEther(cost ?? 0n)})`
}

function sumOf(plan: readonly PlannedStep[]): string {
  const sent = plan.reduce((sum, { value }) => sum + value, 0n)
  const taken = plan.reduce((sum, one) => sum + takenBy(one), 0n)
  const gas = plan.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n)
  const open = plan.some((one) => gasOf(one).includes('unknown')) ? ', and what is unknown yet' : ''
  return `In all: ${[
    ...(sent > 0n ? [`you send ${formatEther(sent)} native tokens`] : []),
    ...(taken > 0n ? [`you stake, lock or pay ${formatEther(taken)} gOPEN`] : []),
    `gas costs at most ${formatEther(gas)} native tokens${open}`,
  ].join('; ')}.`
}
