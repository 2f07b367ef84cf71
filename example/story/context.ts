import { type Client, type ConnectOptions, connect, withAccount } from '#client/index.ts'
import { type ExampleRole, exampleAccount, secretOf } from '../accounts.ts'
import type { Recipe } from '../recipe.ts'
import { type LocalClock, openClock } from './clock.ts'

/** What each stage of the story needs. */
export interface StoryContext {
  seed: number
  recipe: Recipe
  /** The client of a person. */
  as(role: ExampleRole, nth?: number): Client
  clock: LocalClock
  say(line: string): void
}

/** The result of a stage: its figures, and whether all of its checks passed. */
export interface StageResult {
  name: string
  ok: boolean
  facts: Record<string, string | number | boolean>
}

/** `checks`: what must hold, in words. */
export function stageOf(name: string, facts: StageResult['facts'], checks: Record<string, boolean>): StageResult {
  const failed = Object.keys(checks).filter((what) => !checks[what])
  return { name, ok: failed.length === 0, facts: { ...facts, failed: failed.join('; ') } }
}

export interface StoryPlace
  extends Pick<StoryContext, 'seed' | 'recipe' | 'say'>,
    Pick<ConnectOptions, 'patienceMs' | 'onRetry' | 'signal'> {
  /** The URL of the API. */
  url: string
  rpcUrl: string
}

/** Connects the people of the story to a running system. */
export async function openStory({ url, rpcUrl, ...place }: StoryPlace): Promise<StoryContext> {
  const { seed, recipe, say, ...rest } = place
  const newSecret = (subject: string) => secretOf(seed, subject)
  const client = await connect(url, { node: rpcUrl, pollMs: POLL_MS, newSecret, ...rest })
  const as: StoryContext['as'] = (role, nth = 0) => withAccount(client, exampleAccount(role, nth))
  return { seed, recipe, say, clock: openClock(client), as }
}

const POLL_MS = 50
