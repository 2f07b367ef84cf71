interface Page<T> {
  nodes: T[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

/** The rows of all pages of a connection. */
export async function everyPage<T>(read: (after: string | null) => Promise<Page<T>>): Promise<T[]> {
  const rows: T[] = []
  for (let after: string | null = null; ; ) {
    const { nodes, pageInfo }: Page<T> = await read(after)
    rows.push(...nodes)
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null
    if (after === null) return rows
  }
}
