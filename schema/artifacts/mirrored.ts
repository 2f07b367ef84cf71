import { randomUUID } from 'node:crypto'
import { open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { ArtifactError, ArtifactStoreError, PartlyAnsweredError, tooLargeArtifact } from './errors.ts'
import { type Mirror, MirrorError, type MirrorOutcome } from './mirror.ts'
import { validName } from './names.ts'
import type { ArtifactStore } from './store.ts'

export interface MirroredOptions {
  log?: Pick<Logger, 'warn'>
  /** Told of each attempt to read from a mirror. */
  onRead?(mirror: string, outcome: MirrorOutcome): void
}

/** Reads what `own` does not give from the mirrors, in their order, and keeps it in `own` when it is missing there. Everything else concerns
 *  `own` alone. An artifact is missing when `own` and every mirror has answered that it has none; until then the error is an
 *  ArtifactStoreError, so that jobs wait; a PartlyAnsweredError when `own` and a mirror have, and no other has sent too much. */
export function mirroredArtifacts(
  own: ArtifactStore,
  mirrors: readonly Mirror[],
  { log, onRead }: MirroredOptions = {},
): ArtifactStore {
  if (mirrors.length === 0) return own
  const told = new Set<string>()
  const tellOnce = (key: string, details: object, message: string) => {
    if (!told.has(key)) log?.warn(details, message)
    told.add(key)
  }

  async function keep(name: string, path: string, failure: ArtifactError | ArtifactStoreError, signal?: AbortSignal) {
    if (failure.code === 'corrupt')
      return tellOnce(`corrupt ${name}`, { artifact: name }, 'an artifact is damaged in the own store; delete it there')
    if (failure.code !== 'missing') return
    await own.putFile(path, { signal }).catch((err) => {
      signal?.throwIfAborted()
      tellOnce('keep', { err }, 'artifacts that mirrors serve are not kept: the own store refuses them')
    })
  }

  /** Writes what `own` did not give, by `failure`, to the file `path`. */
  async function fetchFile(name: string, path: string, failure: unknown, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (!(failure instanceof ArtifactError || failure instanceof ArtifactStoreError) || failure.code === 'full')
      throw failure
    if (failure.code === 'tooLarge') throw failure // no mirror has a smaller one
    const refusals: MirrorError[] = []
    for (const mirror of mirrors) {
      try {
        await mirror.getFile(name, path, { signal })
      } catch (error) {
        if (!(error instanceof MirrorError)) throw error
        onRead?.(mirror.where, error.outcome)
        if (error.outcome === 'corrupt' || error.outcome === 'tooLarge')
          tellOnce(`${error.outcome} ${mirror.where}`, { mirror: mirror.where, artifact: name }, error.message)
        refusals.push(error)
        continue
      }
      onRead?.(mirror.where, 'served')
      return keep(name, path, failure, signal)
    }
    throw notServed(name, failure, refusals)
  }

  async function viaFile<T>(
    name: string,
    failure: unknown,
    signal: AbortSignal | undefined,
    use: (path: string) => Promise<T>,
  ): Promise<T> {
    const path = join(tmpdir(), `modelcommons-${randomUUID()}`)
    try {
      await fetchFile(name, path, failure, signal)
      return await use(path)
    } finally {
      await rm(path, { force: true })
    }
  }

  return {
    ...own,
    async get(name, options) {
      validName(name)
      return own
        .get(name, options)
        .catch((failure) => viaFile(name, failure, options?.signal, (path) => readUpTo(path, name, options?.maxBytes)))
    },
    async getFile(name, path, options) {
      validName(name)
      return own.getFile(name, path, options).catch((failure) => fetchFile(name, path, failure, options?.signal))
    },
    async open(name, options) {
      validName(name)
      return own.open(name, options).catch((failure) => viaFile(name, failure, options?.signal, (path) => open(path)))
    },
  }
}

async function readUpTo(path: string, name: string, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  if ((await stat(path)).size > most) throw tooLargeArtifact(name, most)
  return readFile(path)
}

/** The error of an artifact that neither the own store nor a mirror gave. */
function notServed(
  name: string,
  failure: ArtifactError | ArtifactStoreError,
  refusals: readonly MirrorError[],
): ArtifactError | ArtifactStoreError {
  const unknown = refusals.filter(({ outcome }) => outcome !== 'missing')
  if (failure instanceof ArtifactStoreError || unknown.length > 0) {
    const reasons = [...(failure instanceof ArtifactStoreError ? [failure] : []), ...unknown]
    const message = `No store gave artifact ${name}, but not every store has answered that it has none. ${reasons.map(({ message }) => message).join(' ')}`
    const options = { cause: reasons[0] }
    const someHaveNone = failure.code === 'missing' && unknown.length < refusals.length
    return someHaveNone && unknown.every(({ outcome }) => outcome !== 'tooLarge')
      ? new PartlyAnsweredError(name, message, options)
      : new ArtifactStoreError('unreachable', message, options)
  }
  if (failure.code === 'corrupt') return failure
  return new ArtifactError(
    'missing',
    `Artifact ${name} is missing everywhere: this installation's store and all of ARTIFACT_MIRRORS (${refusals.length}) have answered that they have none. Copy it into the store, or add a mirror that has it.`,
    { cause: failure, artifact: name },
  )
}
