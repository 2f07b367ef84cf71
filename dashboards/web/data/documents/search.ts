import { graphql, type ResultOf } from '#client/graphql/document.ts'

export const SEARCH = graphql(`
query Search($text: String!, $kinds: [SearchKind!], $first: Int, $after: String) {
  search(text: $text, kinds: $kinds, first: $first, after: $after) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { kind id label excerpt }
  }
}
`)

export type FoundHit = ResultOf<typeof SEARCH>['search']['nodes'][number]
