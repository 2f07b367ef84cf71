import { BaseError, UserRejectedRequestError } from 'viem'
import { ClientError } from '../errors.ts'

/** Why a wallet has signed nothing: its owner refused, or what stands before it (an EIP-1193 provider that throws a ClientError). */
export function refusalOfWallet(cause: unknown): ClientError | undefined {
  const causes = (type: abstract new (...args: never[]) => Error) =>
    cause instanceof BaseError ? cause.walk((error) => error instanceof type) : null
  if (causes(UserRejectedRequestError))
    return new ClientError('The wallet’s owner refused to sign. Nothing was sent.', { cause })
  return (causes(ClientError) as ClientError | null) ?? undefined
}
