import { readRecording } from '#indexer/replay/folder.ts'
import { type Heights, startReplay } from '#indexer/replay/server.ts'

/** `modelcommons replay FOLDER`: serves recorded events as a chain until Ctrl-C, so that an indexer can follow them. */
export async function replay(folder: string, { port, heights }: { port: number; heights: Heights }): Promise<void> {
  const recording = await readRecording(folder)
  const server = await startReplay(recording, { port, heights })
  console.log(`Chain ${server.chainId} at ${server.url}, up to block ${server.head}. Ctrl-C stops it.`)
  const stop = async () => {
    await server.close()
    process.exit(0)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}
