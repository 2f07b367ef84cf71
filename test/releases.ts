import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import type { CompiledContracts } from '#indexer/test/governors.ts'

const BEFORE_5 = ['AnyGovernor', 'BravoGovernor', 'FixedGovernor'] as const
const SINCE_5 = ['AnyGovernor', 'SuperFraction', 'SuperFixed'] as const

/** Releases of OpenZeppelin, each with the last compiler that takes its sources, or a present one, and the Governors of its file in `contracts/test/releases`. */
export const RELEASES = [
  { name: '4.4', version: '4.4.2', compiler: '0.8.13', evmVersion: 'london', governors: BEFORE_5 },
  { name: '4.9', version: '4.9.6', compiler: '0.8.19', evmVersion: 'paris', governors: BEFORE_5 },
  { name: '5.4', version: '5.4.0', compiler: '0.8.30', evmVersion: 'cancun', governors: SINCE_5 },
] as const
export type Release = (typeof RELEASES)[number]

interface Compiler {
  compile(input: string, callbacks: { import(path: string): { contents: string } | { error: string } }): string
}

/** Compiles the Governors of a release, whose package and compiler are below `folder`. @throws Error with the compiler's messages. */
export function compileRelease(
  { name, evmVersion }: Pick<Release, 'name' | 'evmVersion'>,
  folder: string,
): CompiledContracts {
  const packages = join(resolve(folder, name), 'node_modules')
  const solc = createRequire(`${packages}/`)('solc') as Compiler
  const path = `contracts/test/releases/OpenZeppelin${name}.sol`
  const input = {
    language: 'Solidity',
    sources: { [path]: { content: readFileSync(path, 'utf8') } },
    settings: {
      evmVersion,
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const find = (file: string) => {
    try {
      return { contents: readFileSync(join(packages, file), 'utf8') }
    } catch {
      return { error: `${file} not found` }
    }
  }
  const { errors = [], contracts = {} } = JSON.parse(solc.compile(JSON.stringify(input), { import: find })) as {
    errors?: { severity: string; formattedMessage: string }[]
    contracts?: Record<string, CompiledContracts>
  }
  const faults = errors.filter(({ severity }) => severity === 'error')
  if (faults.length) throw new Error(faults.map(({ formattedMessage }) => formattedMessage).join('\n'))
  return contracts[path] ?? {}
}
