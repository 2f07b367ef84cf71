import { CircuitBreaker, type CircuitBreakerOptions, CircuitOpenError } from '../circuitBreaker.ts'
import { ArtifactError, ArtifactStoreError, BrokenTransferError } from './errors.ts'
import type { CallOptions } from './objects.ts'
import { type ReadableObjects, VerifiedReader } from './verifiedRead.ts'

/** What an attempt to read an artifact from a mirror gave. */
export const MIRROR_OUTCOMES = ['served', 'missing', 'corrupt', 'tooLarge', 'unreachable'] as const
export type MirrorOutcome = (typeof MIRROR_OUTCOMES)[number]

/** A store of others, from which artifacts are read. */
export interface Mirror {
  /** The address, without credentials. */
  readonly where: string
  /** Writes the artifact to the file `path`, complete and verified, or not at all.
   *  @throws MirrorError for every fault of the mirror, ArtifactStoreError when a disk of this host refuses the file. */
  getFile(name: string, path: string, options?: CallOptions): Promise<void>
}

/** Why a mirror did not give an artifact. Only `missing` says that it has none. */
export class MirrorError extends ArtifactStoreError {
  override name = 'MirrorError'
  constructor(
    readonly outcome: Exclude<MirrorOutcome, 'served'>,
    message: string,
    options?: ErrorOptions,
  ) {
    super('unreachable', message, options)
  }
}

export interface MirrorLimits {
  /** The largest artifact. A body that goes on is cut. */
  maxBytes: number
  /** The longest time of one read, so that a slow body ends, too. */
  maxMs: number
}

const MAX_MS = 3_600_000

/** A mirror with a circuit breaker of its own. Wrong bytes count as its failures like no answer at all. */
export function openMirror(
  objects: ReadableObjects,
  { maxBytes, maxMs = MAX_MS }: Pick<MirrorLimits, 'maxBytes'> & Partial<MirrorLimits>,
  breakerOptions: Partial<CircuitBreakerOptions> = {},
): Mirror {
  const { where } = objects
  const breaker = new CircuitBreaker({ service: `ARTIFACT_MIRRORS: ${where}`, ...breakerOptions })
  const reader = new VerifiedReader(bounded(objects, maxBytes))
  return {
    where,
    async getFile(name, path, { signal } = {}) {
      const late = AbortSignal.timeout(maxMs)
      const either = signal ? AbortSignal.any([signal, late]) : late
      const read = () =>
        reader.readFile(name, path, either).then(
          () => undefined,
          (cause) => {
            signal?.throwIfAborted()
            const error = late.aborted
              ? new MirrorError('unreachable', `ARTIFACT_MIRRORS: ${where} was cut after ${maxMs / 1000} s.`, { cause })
              : mirrorError(where, name, cause)
            if (error instanceof MirrorError && error.outcome === 'missing') return error // an answer like any other
            throw error
          },
        )
      const missing = await breaker
        .run(read, (error) => error instanceof MirrorError)
        .catch((cause) => {
          throw cause instanceof CircuitOpenError ? new MirrorError('unreachable', cause.message, { cause }) : cause
        })
      if (missing) throw missing
    },
  }
}

/** The error of a read as a fault of the mirror, unless the file could not be written. */
function mirrorError(where: string, name: string, cause: unknown): unknown {
  if (cause instanceof ArtifactError)
    return cause.code === 'missing'
      ? new MirrorError('missing', `${where} does not have artifact ${name}.`, { cause })
      : new MirrorError(
          'corrupt',
          `ARTIFACT_MIRRORS: ${where} sent other bytes than those of artifact ${name}. Tell its operator, or remove it.`,
          { cause },
        )
  return cause instanceof BrokenTransferError ? new MirrorError('unreachable', cause.message, { cause }) : cause
}

/** Ends a body that is longer than `maxBytes`, and tells the mirror's faults from those of the reader. */
function bounded(objects: ReadableObjects, maxBytes: number): ReadableObjects {
  const { where } = objects
  return {
    where,
    async *read(name, options) {
      let received = 0
      try {
        for await (const part of objects.read(name, options)) {
          received += part.length
          if (received > maxBytes)
            throw new MirrorError(
              'tooLarge',
              `ARTIFACT_MIRRORS: ${where} sent more than ${maxBytes} bytes for artifact ${name} and was cut. If the artifact is that large, raise ARTIFACT_MIRROR_BYTES.`,
            )
          yield part
        }
      } catch (cause) {
        options?.signal?.throwIfAborted()
        if (
          cause instanceof ArtifactStoreError &&
          !(cause instanceof BrokenTransferError || cause instanceof MirrorError)
        )
          throw new MirrorError('unreachable', cause.message, { cause })
        throw cause
      }
    },
  }
}
