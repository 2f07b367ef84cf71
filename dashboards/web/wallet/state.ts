import { StateError } from '#client/errors.ts'
import { browserState, type StateStore } from '#client/state/stateStore.ts'

/** The acts' state in this browser. One tab at a time acts for an account, so that two of them do not use one salt or nonce. */
export function pageState(account: string): StateStore {
  const { read, write, remove } = browserState(localStorage)
  return {
    ...{ read, remove, lock: () => lockFor(account) },
    async write(key, value) {
      try {
        await write(key, value)
      } catch (cause) {
        throw new StateError(
          'This browser does not keep what an act must not lose (is it full, or in a private window?). Nothing was sent.',
          { cause },
        )
      }
    },
  }
}

let holders = 0
let held: Promise<() => void> | undefined

/** Shared by the acts of this tab. @throws StateError when another tab has it. */
async function lockFor(account: string): Promise<() => Promise<void>> {
  if (!navigator.locks) return async () => {} // a page without TLS that is not on one's own machine
  holders++
  held ??= takeLock(`modelcommons/${account.toLowerCase()}`)
  const lock = held
  const leave = async () => {
    if (--holders > 0) return
    held = undefined
    ;(await lock)()
  }
  try {
    await lock
  } catch (error) {
    if (--holders === 0) held = undefined
    throw error
  }
  return leave
}

function takeLock(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    void navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock) return new Promise<void>((release) => resolve(release))
      reject(new StateError('Another tab of this page is acting for this account. Let it finish, then try again.'))
      return undefined
    })
  })
}
