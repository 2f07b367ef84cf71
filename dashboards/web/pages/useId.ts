import { useParams } from 'wouter'

/** The id in the path of the page. */
export const useId = (): string => decoded(useParams<{ id: string }>().id)

function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}
