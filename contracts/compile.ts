import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Abi, Hex } from 'viem'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = 'contracts/src'

/** The deployed contracts with their sources, in the order of deployment. */
export const SOURCE_OF = {
  GOpen: `${SOURCES}/GOpen.sol`,
  TimelockController: `${SOURCES}/TimelockController.sol`,
  ModelGovernor: `${SOURCES}/ModelGovernor.sol`,
  Guardian: `${SOURCES}/Guardian.sol`,
  Treasury: `${SOURCES}/Treasury.sol`,
  ModelRegistry: `${SOURCES}/ModelRegistry.sol`,
  EvaluationRegistry: `${SOURCES}/EvaluationRegistry.sol`,
  DatanetRegistry: `${SOURCES}/DatanetRegistry.sol`,
  FeedbackPool: `${SOURCES}/FeedbackPool.sol`,
  InferenceMarket: `${SOURCES}/InferenceMarket.sol`,
  RewardDistributor: `${SOURCES}/RewardDistributor.sol`,
  Disputes: `${SOURCES}/Disputes.sol`,
} as const

/** What decides about the code that is generated. */
export const COMPILER_SETTINGS = { evmVersion: 'cancun', optimizer: { enabled: true, runs: 200 } } as const

export type ContractSource = keyof typeof SOURCE_OF
/** `notices`: what the sources say of each custom error, by its signature. */
export type Compiled = { abi: Abi; bytecode: Hex; runtimeBytes: number; notices: Record<string, string> }

type SolcOutput = {
  errors?: { severity: string; formattedMessage: string }[]
  contracts?: Record<
    string,
    Record<
      string,
      {
        abi: Abi
        evm: { bytecode: { object: string }; deployedBytecode: { object: string } }
        userdoc: { errors?: Record<string, { notice?: string }[]> }
      }
    >
  >
}

const OUTPUTS = ['abi', 'userdoc', 'evm.bytecode.object', 'evm.deployedBytecode.object']

function read(path: string): string {
  return readFileSync(`${ROOT}${path.startsWith('@') ? 'node_modules/' : ''}${path}`, 'utf8')
}

/** Compiles Solidity sources offline with npm's solc, imports from `contracts/src` and OpenZeppelin's package.
 *  The result depends only on the sources and the compiler: no metadata hash is appended, so comments do not change it.
 *  @throws Error with the compiler's messages. */
export async function compileSources(sources: Record<string, string>): Promise<NonNullable<SolcOutput['contracts']>> {
  const solc = (await import('solc')).default as { compile(input: string, callbacks: object): string }
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }])),
    settings: {
      ...COMPILER_SETTINGS,
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      // Of the given sources alone: code of what they import is generated only where it becomes part of theirs.
      outputSelection: Object.fromEntries(Object.keys(sources).map((path) => [path, { '*': OUTPUTS }])),
    },
  }
  const find = (path: string) => {
    try {
      return { contents: read(path) }
    } catch {
      return { error: `${path} not found` }
    }
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find })) as SolcOutput
  const faults = (output.errors ?? []).filter((e) => e.severity === 'error' || e.formattedMessage.includes(SOURCES))
  if (faults.length > 0) throw new Error(faults.map((fault) => fault.formattedMessage).join('\n'))
  return output.contracts ?? {}
}

/** Compiles every contract of `SOURCE_OF`. */
export async function compileContracts(): Promise<Record<ContractSource, Compiled>> {
  const paths = Object.values(SOURCE_OF).sort()
  const out = await compileSources(Object.fromEntries(paths.map((path) => [path, read(path)])))
  const entries = Object.entries(SOURCE_OF).map(([name, path]) => {
    const found = out[path]?.[name]
    if (!found) throw new Error(`${path} defines no contract ${name}: fix SOURCE_OF in contracts/compile.ts`)
    const { abi, evm, userdoc } = found
    const notices = Object.entries(userdoc.errors ?? {}).map(([signature, [text]]) => [signature, text?.notice ?? ''])
    return [
      name,
      {
        abi,
        bytecode: `0x${evm.bytecode.object}` as Hex,
        runtimeBytes: evm.deployedBytecode.object.length / 2,
        notices: Object.fromEntries(notices),
      },
    ]
  })
  return Object.fromEntries(entries) as Record<ContractSource, Compiled>
}
