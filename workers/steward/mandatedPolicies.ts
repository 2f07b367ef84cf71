import { ArtifactError, type ArtifactStore } from '#schema/artifacts/index.ts'
import { getDocument, specificationDocument } from '#schema/documents.ts'
import { PermanentError } from '#schema/errors.ts'
import { type Policy, policyDocument } from '#schema/policy.ts'

/** There is no policy by which the model can be kept. */
export class PolicyError extends PermanentError {
  override name = 'PolicyError'
}

/** A specification that nobody has is asked for again after this time. */
const ASK_AGAIN_MS = 60_000

/** The policies of specifications by their hashes: they never change. Undefined where a specification has none.
 *  @throws PolicyError when the specification cannot be read, or its policy is not valid; RetriableError while the store does not answer. */
export function createMandatedPolicies(artifacts: Pick<ArtifactStore, 'get'>) {
  const known = new Map<string, Policy | undefined>()
  const refused = new Map<string, { error: PolicyError; until: number }>()
  return async (specHash: string): Promise<Policy | undefined> => {
    if (known.has(specHash)) return known.get(specHash)
    const before = refused.get(specHash)
    if (before && performance.now() < before.until) throw before.error
    try {
      const policy = await readPolicy(artifacts, specHash)
      known.set(specHash, policy)
      refused.delete(specHash)
      return policy
    } catch (error) {
      if (error instanceof PolicyError) refused.set(specHash, { error, until: performance.now() + ASK_AGAIN_MS })
      throw error
    }
  }
}

async function readPolicy(artifacts: Pick<ArtifactStore, 'get'>, specHash: string): Promise<Policy | undefined> {
  const { policy } = await getDocument(artifacts, specificationDocument, specHash).catch((cause) => {
    if (!(cause instanceof ArtifactError)) throw cause
    throw new PolicyError(`Its specification cannot be read: ${cause.message}`, { cause })
  })
  const parsed = policyDocument.optional().safeParse(policy)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const place = issue?.path.length ? `${issue.path.join('.')}: ` : ''
  throw new PolicyError(`The policy of its mandate is not valid: ${place}${issue?.message}`)
}
