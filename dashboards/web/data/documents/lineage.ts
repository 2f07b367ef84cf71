import { graphql, type ResultOf } from '#client/graphql/document.ts'

/** The next nodes of a lineage, one generation away. */
export const LINEAGE = graphql(`
query Lineage($of: ID!, $direction: LineageDirection!, $first: Int!, $after: String) {
  lineage(of: $of, direction: $direction, depth: 1, first: $first, after: $after) {
    nodes { key kind id label }
    edges { from to relation amount }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
`)

export type LineageNode = ResultOf<typeof LINEAGE>['lineage']['nodes'][number]
export type LineageEdge = ResultOf<typeof LINEAGE>['lineage']['edges'][number]
