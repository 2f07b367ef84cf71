import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { blockHash, TEST_CHAIN_ID } from '#test/factory.ts'
import { ADDRESSES, rawLogs } from './events.ts'
import type { RandomLifecycle } from './play.ts'
import type { OtherVerdict } from './verdicts.ts'

/** What the verifier in Python says of each published map of a lifecycle. `folder` has its artifacts; the chain is written beside them. */
export async function pythonVerdicts(lifecycle: RandomLifecycle, folder: string): Promise<OtherVerdict[]> {
  await writeChain(lifecycle, folder)
  const python = spawn('python3', ['-m', 'verifier', folder, '--json'], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, errors, [code]] = await Promise.all([text(python.stdout), text(python.stderr), once(python, 'close')])
  if (code > 2) throw new Error(`python3 -m verifier ended with exit code ${code}: ${errors}`)
  return output
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as OtherVerdict)
}

const hex = (value: number) => `0x${value.toString(16)}`

async function writeChain({ firstBlock, head, pageEntries, events }: RandomLifecycle, folder: string) {
  const deployment = { chainId: TEST_CHAIN_ID, firstBlock, contracts: ADDRESSES, pageEntries }
  const numbers = Array.from({ length: head + 1 }, (_, number) => number)
  const blockHashes = Object.fromEntries(numbers.map((number) => [number, blockHash(number)]))
  await writeFile(join(folder, 'chain.json'), JSON.stringify({ ...deployment, blockHashes }))
  const logs = rawLogs(events).map(({ block, index, ...log }) => ({
    ...log,
    transactionHash: blockHash(block, ' transaction'),
    blockNumber: hex(block),
    logIndex: hex(index),
  }))
  await writeFile(join(folder, 'logs.jsonl'), logs.map((log) => JSON.stringify(log)).join('\n'))
}
