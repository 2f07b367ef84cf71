import { type Address, type Hex, hashMessage } from 'viem'
import { createSiweMessage, parseSiweMessage, type SiweMessage } from 'viem/siwe'
import { ApiError } from '../errors.ts'
import type { VerifySignature } from '../signature.ts'
import { isFreshNonce, makeNonce } from './nonce.ts'

/** Messages of Sign-In with Ethereum (EIP-4361): who signs one for this server, and for no other, is an account. */

export interface SignInPlace {
  chainId: number
  /** Whether a domain, such as `localhost:4000`, is one of this server’s. */
  isOwn(domain: string): boolean
  secret: Buffer
  /** The database’s time, which all its servers share. */
  now: Date
}

const SESSION_MS = 24 * 60 * 60_000
const STATEMENT = 'Sign in to ModelCommons. This costs nothing and moves nothing.'

/** The message that an account is to sign. @throws ApiError when the domain is not this server’s. */
export function messageToSign(
  place: SignInPlace,
  { address, domain, uri }: { address: Address; domain: string; uri: string },
): string {
  requireOwn(place, domain)
  const { chainId, secret, now } = place
  return createSiweMessage({
    ...{ address, domain, uri, chainId },
    issuedAt: now,
    nonce: makeNonce(secret, now),
    statement: STATEMENT,
    version: '1',
    expirationTime: new Date(now.getTime() + SESSION_MS),
  })
}

export interface SignIn {
  account: Address
  nonce: string
  /** When its session ends. */
  expiresAt: Date
}

/** Who has signed a message. @throws ApiError that says which part of it is not this server’s, or that nobody has signed it. */
export async function verifySignIn(
  place: SignInPlace,
  { message, signature }: { message: string; signature: Hex },
  verify: VerifySignature,
): Promise<SignIn> {
  const given = parseSiweMessage(message)
  const { address, domain, nonce, expirationTime, notBefore } = given as Partial<SiweMessage>
  if (!address || !domain || !nonce || given.version !== '1' || message !== written(given))
    throw refused('It is not a message of EIP-4361.')
  requireOwn(place, domain)
  if (!given.uri || new URL(given.uri).host !== domain) throw refused('Its URI is not of its domain.')
  if (given.chainId !== place.chainId) throw refused(`Its chain is ${given.chainId}, not ${place.chainId}.`)
  if (!isFreshNonce(place.secret, nonce, place.now))
    throw refused('Its nonce is not of this server, or older than ten minutes.')
  const now = place.now.getTime()
  if (expirationTime && expirationTime.getTime() <= now) throw refused('It has expired.')
  if (notBefore && notBefore.getTime() > now) throw refused('It is not valid yet.')
  if (!(await verify({ address, hash: hashMessage(message), signature })))
    throw refused(`The signature is not ${address}’s.`)
  const end = Math.min(expirationTime?.getTime() ?? Number.POSITIVE_INFINITY, now + SESSION_MS)
  return { account: address.toLowerCase() as Address, nonce, expiresAt: new Date(end) }
}

/** A message that is not exactly what its parts say could show a person something else than it means here. */
function written(given: Partial<SiweMessage>): string | undefined {
  try {
    return createSiweMessage(given as SiweMessage)
  } catch {
    return undefined
  }
}

function requireOwn({ isOwn }: SignInPlace, domain: string): void {
  if (isOwn(domain)) return
  throw refused(
    `The domain ${domain.slice(0, 100)} is not this server’s. Its operator names its pages in CORS_ORIGINS.`,
  )
}

const refused = (reason: string) =>
  new ApiError('BAD_SIGN_IN', `This message signs nobody in: ${reason} Ask for a new one at /auth/message.`)
