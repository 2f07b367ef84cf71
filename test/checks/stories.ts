import { spawnSync } from 'node:child_process'

/** `npm run check -- stories [--only WORD]`: the whole-system tests that take minutes (`*.story.test.ts`), of files whose path has the word.
 *  @returns whether all passed. */
export function checkStories(word?: string): boolean {
  const config = 'test/checks/stories/vitest.config.ts'
  const { status } = spawnSync('npx', ['vitest', 'run', '--config', config, ...(word ? [word] : [])], {
    stdio: 'inherit',
  })
  return status === 0
}
