import { readPage } from './docsPage.ts'

/** What docs/client.md shows that a person writes for each act: the lines that connect, and one for the act. */
export async function actLines(): Promise<{ connecting: string[]; acts: { act: string; line: string }[] }> {
  const page = await readPage('client.md')
  const [, part = ''] = page.split('\n## A line for each act\n')
  const [connecting = [], lines = []] = [...part.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block = '']) =>
    block.trim().split('\n'),
  )
  return { connecting, acts: lines.map((line) => ({ act: /acts\.(\w+)\(/.exec(line)?.[1] ?? '', line })) }
}
