import { graphql, type ResultOf } from '#client/graphql/document.ts'

/** The next nodes of a lineage: first the versions one generation away (their edges are the first), then everything else around the node itself. */
export const LINEAGE = graphql(`
query Lineage($of: ID!, $direction: LineageDirection!, $depth: Int!, $first: Int!, $after: String) {
  lineage(of: $of, direction: $direction, depth: $depth, first: $first, after: $after) {
    nodes { key kind id label }
    edges { from to relation amount }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
`)

export type LineageNodeFacts = ResultOf<typeof LINEAGE>['lineage']['nodes'][number]
export type LineageEdgeFacts = ResultOf<typeof LINEAGE>['lineage']['edges'][number]
