import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '#config'
import { keepIn } from '#epochs/checkEpoch.ts'
import { type MapVerdict, watchMaps } from '#epochs/watchMaps.ts'
import { isRetriable, PermanentError } from '#schema/errors.ts'
import { openChainClient } from '#workers/chain.ts'
import { disputeMap } from '#workers/disputeMap.ts'
import { openLog } from './log.ts'
import { type OwnIndex, type OwnIndexOptions, onOwnIndex } from './ownIndex.ts'
import { UNCHECKABLE_MAP, WRONG_MAP } from './verifyEpoch.ts'

interface WatchOptions extends OwnIndexOptions {
  /** Seconds between two rounds. */
  interval: number
  once?: boolean
}

/** `modelcommons watch`: recomputes every published reward map while it can be disputed, on an index of its own, and disputes wrong ones with
 *  WATCHER_KEY. Only needs a node and the artifacts. */
export async function watch({ interval, once = false, ...options }: WatchOptions): Promise<void> {
  await onOwnIndex(options, async (own, config) => {
    const { deployment } = own
    const { challengeWindow, reopenTime } = deployment.settings
    const maps = watchMaps({ ...own, challengeWindow, reopenTime, keep: keepIn(own.artifacts) })
    const dispute = await disputer(config, own)
    const told = new Set<string>()
    const tell = (text: string) => {
      if (!told.has(text)) console.log(text)
      told.add(text)
    }
    console.log(
      `Watching the reward maps of chain ${deployment.chainId}${dispute ? '' : '; WATCHER_KEY is not set: wrong ones are told, not disputed'}.`,
    )
    for (;;) {
      try {
        // Each of them: the dispute about the first may fail when the window of the others is over, or cost more than the watcher has.
        const failures: unknown[] = []
        const verdicts = await maps.round(async (verdict) => {
          tell(textOf(verdict))
          if (verdict.verdict === 'wrong')
            await dispute?.(verdict).then(tell, (error: unknown) => void failures.push(error))
        })
        if (once && failures.length > 0) throw failures[0]
        // Whatever keeps it from a dispute now, a node that is away as well, does not end a watcher.
        for (const failure of failures) console.error((failure as Error).message)
        if (once) {
          if (verdicts.length === 0) console.log('No published map can be disputed now.')
          const unknown = verdicts.some((one) => one.verdict === 'unknown')
          const wrong = verdicts.some((one) => one.verdict === 'wrong')
          process.exitCode = wrong ? WRONG_MAP : unknown ? UNCHECKABLE_MAP : 0
          return
        }
      } catch (error) {
        if (once || !(isRetriable(error) || error instanceof PermanentError)) throw error
        console.error((error as Error).message)
      }
      await sleep(interval * 1_000, undefined, { ref: false })
    }
  })
}

function textOf(found: MapVerdict): string {
  const map = `Epoch ${found.epoch}: its map ${found.root}`
  switch (found.verdict) {
    case 'right':
      return `${map} is right.`
    case 'unknown':
      return `${map} cannot be checked yet: ${found.reason}`
    case 'wrong': {
      const { place, published, recomputed } = found.difference
      return `${map} is WRONG at ${place}: published ${published}, recomputed ${recomputed}.`
    }
  }
}

/** How a wrong map is disputed, and what is told of it; undefined without a key. */
async function disputer(config: Config & { rpcUrl: string }, { deployment, sql: db, artifacts }: OwnIndex) {
  const { rpcUrl, watcherKey: operatorKey, maxFee } = config
  if (!operatorKey) return
  const log = openLog('watch', config)
  const chain = await openChainClient({ rpcUrl, deployment, operatorKey, db, log, maxFee, keyName: 'WATCHER_KEY' })
  return async (wrong: Extract<MapVerdict, { verdict: 'wrong' }>) =>
    `Epoch ${wrong.epoch}: dispute ${await disputeMap(chain, artifacts, wrong)} is open.`
}
