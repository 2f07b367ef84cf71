/** Passes the parts on. A sender that is slower than `minBytesPerSecond` over `idleMs` of waiting is an error; time that the reader takes
 *  does not count. @throws TransferSlowError */
export async function* requireThroughput(
  parts: AsyncIterable<Uint8Array>,
  { idleMs, minBytesPerSecond }: { idleMs: number; minBytesPerSecond: number },
): AsyncIterable<Uint8Array> {
  let [waitedMs, received] = [0, 0]
  let begin = performance.now()
  for await (const part of parts) {
    waitedMs += performance.now() - begin
    received += part.length
    if (waitedMs >= idleMs) {
      const rate = Math.round((received / waitedMs) * 1000)
      if (rate < minBytesPerSecond)
        throw new TransferSlowError(
          `Only ${rate} bytes arrive in a second; at least ${minBytesPerSecond} are expected.`,
        )
      ;[waitedMs, received] = [0, 0]
    }
    yield part
    begin = performance.now()
  }
}

export class TransferSlowError extends Error {
  override name = 'TransferSlowError'
}
