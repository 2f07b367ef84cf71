import { type Client, type ConnectOptions, connect, withAccount } from '#client/index.ts'
import type { Deployment } from '#contracts/deploy.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import { type ExampleRole, exampleAccount, secretOf } from '../accounts.ts'
import type { Recipe } from '../recipe.ts'
import { ApiClient } from './apiClient.ts'
import { openStoryChain, type StoryChain } from './chain.ts'

/** What each stage of the story needs. */
export interface StoryContext {
  seed: number
  recipe: Recipe
  /** The client of a person. */
  as(role: ExampleRole, nth?: number): Client
  api: ApiClient
  chain: StoryChain
  deployment: Deployment
  /** The platform's artifact store, in which the base model and the sealed items are published. */
  store: ArtifactStore
  say(line: string): void
}

/** The result of a stage: its figures, and whether all of its checks passed. */
export interface StageResult {
  name: string
  ok: boolean
  facts: Record<string, string | number | boolean>
}

/** Collects the failed checks of a stage. */
export class Checks {
  readonly failed: string[] = []
  that(what: string, holds: boolean): void {
    if (!holds) this.failed.push(what)
  }
}

export interface StoryPlace
  extends Pick<StoryContext, 'seed' | 'recipe' | 'deployment' | 'store' | 'say'>,
    Pick<ConnectOptions, 'patienceMs' | 'onRetry' | 'signal'> {
  /** The URL of the API. */
  url: string
  rpcUrl: string
}

/** Connects the people of the story to a running system. */
export async function openStory({
  url,
  rpcUrl,
  patienceMs,
  onRetry,
  signal,
  ...rest
}: StoryPlace): Promise<StoryContext> {
  const newSecret = (subject: string) => secretOf(rest.seed, subject)
  const client = await connect(url, { node: rpcUrl, pollMs: POLL_MS, patienceMs, onRetry, signal, newSecret })
  return {
    ...rest,
    api: new ApiClient(client),
    chain: openStoryChain(rpcUrl, rest.deployment),
    as: (role, nth = 0) => withAccount(client, exampleAccount(role, nth)),
  }
}

const POLL_MS = 50

/** Approves a contract to take gOPEN of an account. */
export const approve = (
  { chain }: StoryContext,
  role: ExampleRole,
  nth: number,
  spender: 'ModelRegistry' | 'DatanetRegistry' | 'FeedbackPool' | 'InferenceMarket' | 'Disputes',
  amount: bigint,
) => chain.send(exampleAccount(role, nth), 'GOpen', 'approve', [chain.addresses[spender], amount])
