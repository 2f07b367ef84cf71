import type { EIP1193Provider } from 'viem'
import type { Client } from '#client/client.ts'
import type { ServedDeployment } from '#client/deployment.ts'
import type { Guard } from './guard.ts'

/** Whether a wallet is connected and can act here, or what keeps it from that. */
export type Session =
  | { kind: 'none' }
  | { kind: 'connecting'; name: string }
  /** The wallet is on another chain than the contracts. */
  | { kind: 'wrongChain'; name: string; found: number; deployment: ServedDeployment; provider: EIP1193Provider }
  /** The API names other contracts than this browser dealt with before. */
  | { kind: 'otherContracts'; name: string; deployment: ServedDeployment; changed: readonly string[] }
  | { kind: 'failed'; name: string; reason: string }
  | Ready

export interface Ready {
  kind: 'ready'
  name: string
  account: `0x${string}`
  /** Reads only; an act gets a client that signs by `clientFor`. */
  client: Client
  /** A client for one act, whose every request to sign is approved first. */
  clientFor(
    approve: Guard['approve'],
    options?: Pick<Client, 'onProgress' | 'newSecret' | 'signal'> & Partial<Pick<Client, 'relay'>>,
  ): Client
}
