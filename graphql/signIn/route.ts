import express, { type Request, type RequestHandler, type Response, Router } from 'express'
import type { Address, Hex } from 'viem'
import { z } from 'zod'
import { databaseTime } from '#schema/database.ts'
import { ACCESS_SCOPES, MAX_RATE } from '#schema/offchain/access.ts'
import { callerOf } from '../access.ts'
import type { Services } from '../context.ts'
import { ApiError } from '../errors.ts'
import { type ErrorStatuses, failRequest } from '../failRequest.ts'
import { SIGNATURE } from '../signature.ts'
import { messageToSign, type SignInPlace, verifySignIn } from './message.ts'
import { nonceSecret } from './nonce.ts'
import { createOwnKey, ownKeys, revokeOwnKey, rotateOwnKey } from './ownKeys.ts'
import { endSession, openSession } from './session.ts'

export interface SignInOptions {
  /** Where the server listens. */
  host: string
  /** Origins whose pages may use the API: people sign in there. */
  corsOrigins?: readonly string[]
}

const STATUS: ErrorStatuses = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  UNKNOWN_KEY: 404,
  TOO_BUSY: 503,
  INTERNAL: 500,
  other: 400,
}

const DAY_MS = 86_400_000
const messageBody = z.strictObject({
  address: z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'an address: 0x and 40 hex digits'),
  uri: z.url('the address of the page where it is signed').optional(),
})
const sessionBody = z.strictObject({
  message: z.string().max(4000),
  signature: z.string().regex(SIGNATURE, 'bytes as hex'),
})
const keyBody = z.strictObject({
  label: z.string().max(200).default(''),
  scopes: z.array(z.enum(ACCESS_SCOPES)).max(ACCESS_SCOPES.length).nullish(),
  expiresInDays: z.number().positive().max(3660).nullish(),
  spendCap: z
    .string()
    .regex(/^\d{1,77}$/, 'wei as a decimal string')
    .nullish(),
  requestsPerMinute: z.number().int().min(1).max(MAX_RATE).nullish(),
  tokensPerMinute: z.number().int().min(1).max(MAX_RATE).nullish(),
})

/** `/auth`: people sign in with their accounts (EIP-4361), and make keys for their programs. */
export function signInRoutes(services: Services, options: SignInOptions): Router {
  const { db, log } = services
  const router = Router()
  const handle =
    (work: (request: Request, response: Response) => Promise<object | undefined>): RequestHandler =>
    async (request, response) => {
      try {
        if (services.auth === 'open')
          throw new ApiError('NO_KEYS', 'This API requires no keys: everybody may use it without signing in.')
        response.set('cache-control', 'no-store')
        const answer = await work(request, response)
        if (answer) response.json(answer)
        else response.status(204).end()
      } catch (error) {
        failRequest(response, error, log, STATUS)
      }
    }
  const place = async (request: Request): Promise<SignInPlace> => ({
    chainId: services.deployment.chainId,
    isOwn: (domain) => ownDomains(options, request.socket.localPort).has(domain),
    secret: await nonceSecret(db),
    now: await databaseTime(db),
  })
  const signedIn = async ({ headers }: Request) => {
    const caller = await callerOf(db, services.auth, headers.authorization)
    if (caller.kind !== 'session')
      throw new ApiError('UNAUTHENTICATED', 'Send the token of a session: sign in at /auth/message and /auth/session.')
    return caller
  }

  router.use(express.json({ limit: '32kb' }))
  router.post(
    '/message',
    handle(async (request) => {
      const { address, uri = `http://${request.headers.host}` } = read(messageBody, request.body)
      const at = { address: address as Address, domain: new URL(uri).host, uri }
      return { message: messageToSign(await place(request), at) }
    }),
  )
  router.post(
    '/session',
    handle(async (request) => {
      const { message, signature } = read(sessionBody, request.body)
      const signed = { message, signature: signature as Hex }
      const signIn = await verifySignIn(await place(request), signed, services.verifySignature)
      return { token: await openSession(db, signIn), account: signIn.account, expiresAt: signIn.expiresAt }
    }),
  )
  router.delete(
    '/session',
    handle(async (request) => {
      await endSession(db, (await signedIn(request)).id)
      return undefined
    }),
  )
  router.get(
    '/keys',
    handle(async (request) => ({ keys: (await ownKeys(db, (await signedIn(request)).account)).map(shown) })),
  )
  router.post(
    '/keys',
    handle(async (request) => {
      const { account } = await signedIn(request)
      const {
        label,
        scopes = null,
        expiresInDays,
        spendCap,
        requestsPerMinute = null,
        tokensPerMinute = null,
      } = read(keyBody, request.body ?? {})
      const now = await databaseTime(db)
      return createOwnKey(db, account, {
        ...{ label, scopes, requestsPerMinute, tokensPerMinute },
        expiresAt: expiresInDays == null ? null : new Date(now.getTime() + expiresInDays * DAY_MS),
        spendCap: spendCap == null ? null : BigInt(spendCap),
      })
    }),
  )
  router.post(
    '/keys/:id/rotate',
    handle(async (request) => rotateOwnKey(db, (await signedIn(request)).account, String(request.params.id))),
  )
  router.delete(
    '/keys/:id',
    handle(async (request) => {
      await revokeOwnKey(db, (await signedIn(request)).account, String(request.params.id))
      return undefined
    }),
  )
  return router
}

const shown = <T extends { spendCap: bigint | null; spent: bigint }>({ spendCap, spent, ...key }: T) => ({
  ...key,
  spendCap: spendCap === null ? null : String(spendCap),
  spent: String(spent),
})

function read<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const given = schema.safeParse(body)
  if (given.success) return given.data
  const [issue] = given.error.issues
  throw new ApiError('BAD_INPUT', `${issue?.path.join('.') || 'The body'}: ${issue?.message}.`)
}

/** The domains of pages where people sign in for this server: those of CORS_ORIGINS, and of a server on this machine, its own. Whatever a request
 *  says of its host proves nothing. */
function ownDomains({ host, corsOrigins = [] }: SignInOptions, port: number | undefined): Set<string> {
  const local = ['127.0.0.1', 'localhost', '[::1]']
  const names = host === '0.0.0.0' || host === '::' ? [] : local.includes(host) ? local : [host]
  const origins = corsOrigins.filter((one) => URL.canParse(one)).map((one) => new URL(one).host)
  return new Set([...names.map((name) => `${name}:${port}`), ...origins])
}
