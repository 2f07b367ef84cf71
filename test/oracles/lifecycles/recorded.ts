import { join } from 'node:path'
import type { RandomLifecycle } from './play.ts'
import type { OtherVerdict } from './verdicts.ts'

/** A lifecycle, and what the verifier in Python says of each published map. */
export interface RecordedLifecycle {
  lifecycle: RandomLifecycle
  verdicts: OtherVerdict[]
}

export const RECORDED_FOLDER = join(import.meta.dirname, '../golden/lifecycles')
