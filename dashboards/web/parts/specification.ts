import { useEffect, useState } from 'react'
import { ask } from '../data/ask.ts'
import { ARTIFACT } from '../data/documents/common.ts'

const known = new Map<string, Promise<unknown>>()

/** The JSON of an artifact; it never changes, so it is asked for once. Null while it is not there. */
export function useArtifact(hash: string | undefined | null): unknown {
  const [json, setJson] = useState<unknown>(null)
  useEffect(() => {
    if (!hash) return
    let wanted = true
    const found = known.get(hash) ?? ask(ARTIFACT, { id: hash }).then(({ artifact }) => artifact?.json ?? null)
    known.set(hash, found)
    found.then(
      (value) => wanted && setJson(value),
      () => known.delete(hash),
    )
    return () => {
      wanted = false
    }
  }, [hash])
  return json
}

/** The name and the purpose that a model's specification gives. */
export const useSpecification = (hash: string | undefined) =>
  useArtifact(hash) as { name?: string; purpose?: string; licence?: string } | null
