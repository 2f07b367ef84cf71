/** Where a client keeps what a crash must not lose: salts, nonces, signed transactions. Written before anything is sent. */
export interface StateStore {
  read(key: string): Promise<string | undefined>
  /** After it returns, the value outlasts a crash of the process. */
  write(key: string, value: string): Promise<void>
  remove(key: string): Promise<void>
  /** Lets one program at a time use the state. Returns how to release it. */
  lock?(): Promise<() => Promise<void>>
}

/** Outlasts nothing: for programs that do not need to continue after a crash. */
export function memoryState(): StateStore {
  const values = new Map<string, string>()
  return {
    async read(key) {
      return values.get(key)
    },
    async write(key, value) {
      values.set(key, value)
    },
    async remove(key) {
      values.delete(key)
    },
  }
}

/** The part of the Web Storage API that is used. */
interface WebStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/**
 * The state in a browser: `browserState(localStorage)`.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { browserState } from '#client/index.ts'
 *
 * const items = new Map<string, string>() // in a browser: localStorage
 * const state = browserState({
 *   getItem: (key) => items.get(key) ?? null,
 *   setItem: (key, value) => void items.set(key, value),
 *   removeItem: (key) => void items.delete(key),
 * })
 * await state.write('act', 'kept')
 * assert.equal(items.get('modelcommons/act'), 'kept')
 * ```
 */
export function browserState(storage: WebStorage, prefix = 'modelcommons/'): StateStore {
  return {
    async read(key) {
      return storage.getItem(prefix + key) ?? undefined
    },
    async write(key, value) {
      storage.setItem(prefix + key, value)
    },
    async remove(key) {
      storage.removeItem(prefix + key)
    },
  }
}
