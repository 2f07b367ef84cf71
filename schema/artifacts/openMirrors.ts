import type { CircuitBreakerOptions } from '../circuitBreaker.ts'
import { redactCredentials } from '../redact.ts'
import { type HttpLimits, httpObjects } from './httpObjects.ts'
import { type Mirror, type MirrorLimits, openMirror } from './mirror.ts'
import type { MirrorAddress } from './mirrorAddress.ts'
import type { ObjectStore } from './objects.ts'
import { type S3Settings, s3Objects } from './s3.ts'
import type { ReadableObjects } from './verifiedRead.ts'

export type MirrorOptions = Pick<MirrorLimits, 'maxBytes'> &
  Partial<MirrorLimits> & {
    limits?: Partial<HttpLimits>
    /** The breaker of each mirror, by its address. */
    breaker?(where: string): Partial<CircuitBreakerOptions>
  }

/** Opens the mirrors without asking them: one that is away keeps nothing from starting. */
export function openMirrors(
  addresses: readonly MirrorAddress[],
  { limits, breaker, ...bounds }: MirrorOptions,
): Mirror[] {
  return addresses.map((address) => {
    const objects = 'http' in address ? httpObjects(address.http, limits) : bucketObjects({ ...address.s3, limits })
    return openMirror(objects, bounds, breaker?.(objects.where))
  })
}

/** A bucket that is opened at the first read. The mirror's circuit breaker serves it, too. */
function bucketObjects(settings: S3Settings): ReadableObjects {
  let opened: Promise<ObjectStore> | undefined
  const open = () =>
    (opened ??= s3Objects({
      ...settings,
      variable: 'ARTIFACT_MIRRORS',
      readOnly: true,
      breaker: { failures: Number.POSITIVE_INFINITY },
    }).catch((error) => {
      opened = undefined
      throw error
    }))
  return {
    where: `s3://${settings.bucket}${settings.endpoint ? ` at ${redactCredentials(settings.endpoint)}` : ''}`,
    async *read(key, options) {
      yield* (await open()).read(key, options)
    },
  }
}
