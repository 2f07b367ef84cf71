import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ConfigError } from '#config'
import { type AnvilOptions, startAnvil, stopStaleAnvil } from '#contracts/anvil.ts'
import { replaceFile, takeDump } from '#contracts/chainState.ts'

/** After a failed restart. */
const RESTART_DELAY_MS = 1_000

type EmbeddedChainOptions = AnvilOptions & { stateFile: string; pidFile: string; genesisTimestamp: number }

/** Starts anvil, and starts it again at the same address, with the state that it wrote last, whenever its process ends.
 *  @throws ConfigError when the state file is damaged; Error when anvil does not start. */
export async function runEmbeddedChain(
  options: EmbeddedChainOptions,
  log: Logger,
): Promise<{ url: string; stop(): Promise<void> }> {
  await prepareState(options, log)
  const { url, port, ...first } = await startAnvil(options)
  let { exited, stop } = first
  const stopping = new AbortController()
  const restart = async () => {
    await prepareState(options, log)
    ;({ exited, stop } = await startAnvil({ ...options, port }))
    log.warn('the embedded chain had died; it was restarted at the same address')
    if (stopping.signal.aborted) await stop()
  }
  const watch = (async () => {
    for (;;) {
      await exited
      if (stopping.signal.aborted) return
      await restart().catch(async (error: Error) => {
        log.error({ error: error.message }, 'the embedded chain cannot be restarted')
        await sleep(RESTART_DELAY_MS, undefined, { signal: stopping.signal }).catch(() => {})
      })
    }
  })()
  return {
    url,
    async stop() {
      stopping.abort()
      await stop()
      await watch
    },
  }
}

/** Ends the chain that a killed process left running, and takes what it wrote last. */
async function prepareState(options: EmbeddedChainOptions, log: Logger): Promise<void> {
  await stopStaleAnvil(options.pidFile)
  if ((await takeDump(options.stateFile)) === 'cut')
    log.warn(
      'the embedded chain was killed while it wrote its state: it goes on from what it wrote some seconds before, without the blocks since then',
    )
  await keepOneGenesis(options)
}

/** Each start of anvil adds a block 0 of its own to the state that it loads, and the next start may take any of them for the first block: the
 *  index would not recognise its chain. Only the one with the time of genesis stays. */
async function keepOneGenesis({ stateFile, genesisTimestamp }: EmbeddedChainOptions): Promise<void> {
  if (!existsSync(stateFile)) return
  let state: { blocks: { header: { number: string; timestamp: string } }[] }
  try {
    state = JSON.parse(await readFile(stateFile, 'utf8'))
  } catch (cause) {
    throw new ConfigError(
      `MODELCOMMONS_HOME: the state of the embedded chain (${stateFile}) is damaged. Restore a backup, or set MODELCOMMONS_HOME to another folder.`,
      { cause },
    )
  }
  const blocks = state.blocks.filter(
    ({ header }) => Number(header.number) > 0 || Number(header.timestamp) === genesisTimestamp,
  )
  if (blocks.length === state.blocks.length) return
  await replaceFile(stateFile, JSON.stringify({ ...state, blocks }))
}
