import { useEffect, useState } from 'react'
import { documentText } from '#client/graphql/api.ts'
import type { TadaDocumentNode } from '#client/graphql/document.ts'
import { ask } from './ask.ts'
import { isLive, noteAnswer, onNews } from './news.ts'

export interface Query<Answer> {
  /** Null until first answered. What was answered stays when a later question fails. */
  data: Answer | null
  error: Error | null
}

/** Without news: states that depend on the clock still change. */
const QUIET_MS = 20_000
/** Without a socket. */
const POLL_MS = 2500
const KEPT_ANSWERS = 60

/** The last answers, so that going back shows a page at once. */
const answers = new Map<string, unknown>()

function keep(key: string, answer: unknown): void {
  answers.delete(key)
  answers.set(key, answer)
  if (answers.size > KEPT_ANSWERS) answers.delete(answers.keys().next().value as string)
}

/** Asks the API, and asks again when there are news, at most once in `apartMs` and only while the page is seen.
 *  @example const { data, error } = useQuery(PROPOSAL, { id }) */
export function useQuery<Answer, Variables>(
  document: TadaDocumentNode<Answer, Variables>,
  variables?: Variables,
  apartMs = 1500,
): Query<Answer> {
  const key = documentText(document) + JSON.stringify(variables ?? {})
  const [state, setState] = useState<{ key: string } & Query<Answer>>({ key: '', data: null, error: null })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the document and its variables
  useEffect(() => {
    let wanted = true
    const read = async () => {
      try {
        const data = await ask(document, variables)
        keep(key, data)
        if (wanted) setState({ key, data, error: null })
        noteAnswer()
      } catch (error) {
        if (wanted)
          setState((before) => ({ key, data: before.key === key ? before.data : null, error: error as Error }))
        noteAnswer(error as Error)
      }
    }
    const stop = repeat(read, apartMs)
    return () => {
      wanted = false
      stop()
    }
  }, [key, apartMs])
  return state.key === key ? state : { data: (answers.get(key) as Answer | undefined) ?? null, error: null }
}

/** Runs `work` now and after news, never twice at a time. Returns how to stop. */
function repeat(work: () => Promise<void>, apartMs: number): () => void {
  let state: 'idle' | 'busy' | 'again' = 'idle'
  let isStopped = false
  let last = 0
  const run = async () => {
    if (isStopped) return
    if (state !== 'idle') {
      state = 'again'
      return
    }
    state = 'busy'
    last = Date.now()
    await work()
    setTimeout(() => {
      const again = state === 'again'
      state = 'idle'
      if (again) void run()
    }, apartMs)
  }
  const runIfSeen = () => {
    if (!globalThis.document.hidden) void run()
  }
  const stopNews = onNews(runIfSeen)
  const timer = setInterval(() => Date.now() - last >= (isLive() ? QUIET_MS : POLL_MS) && runIfSeen(), 500)
  globalThis.document.addEventListener('visibilitychange', runIfSeen)
  void run()
  return () => {
    isStopped = true
    stopNews()
    clearInterval(timer)
    globalThis.document.removeEventListener('visibilitychange', runIfSeen)
  }
}
