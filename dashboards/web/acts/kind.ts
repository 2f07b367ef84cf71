import type { Client } from '#client/index.ts'
import type { AskedSignature } from '../wallet/guard.ts'

/** What one act does. */
export interface ActKind<Input> {
  /** Does it. @returns what came of it, in a sentence. */
  run(client: Client, input: Input): Promise<string>
  /** What the index and the contracts say afterwards, in a sentence. */
  effect?(client: Client, input: Input): Promise<string>
  /** Nothing is signed: only the API is asked. */
  apiOnly?: boolean
  /** For an act whose signatures no dry run shows: what it says before, and which signatures that covers. */
  agreement?(client: Client, input: Input): Promise<SignatureAgreement>
}

export interface SignatureAgreement {
  /** What is agreed to, in sentences. */
  says: readonly string[]
  covers(asked: AskedSignature): boolean
}
