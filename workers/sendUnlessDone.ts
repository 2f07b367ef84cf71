import { RevertError } from './chainErrors.ts'

/** Sends what anybody may send. Somebody may copy the call and be faster: it reverts then, and is done all the same.
 *  @throws what `send` throws, unless the chain has its effect */
export async function sendUnlessDone(send: () => Promise<unknown>, isDone: () => Promise<boolean>): Promise<void> {
  try {
    await send()
  } catch (error) {
    if (!(error instanceof RevertError && (await isDone()))) throw error
  }
}
