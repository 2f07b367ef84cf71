import { execFileSync } from 'node:child_process'
import { actLines } from '../actLines.ts'

/** The last commit without the client: its people called the contracts themselves. */
const BEFORE_CLIENT = '08b756e2~1'
/** What the people of the example, and the tests for them, do by hand. */
const STORY = /^example\/(story\/.*|call)\.ts$/

/** Lines of code, without blank lines and comments. */
const linesOf = (text: string) => text.split('\n').filter((line) => !/^\s*($|\/\/|\/?\*)/.test(line)).length

const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', maxBuffer: 1 << 26 })

const storyAt = (commit: string): number =>
  git('ls-tree', '-r', '--name-only', commit, 'example')
    .split('\n')
    .filter((file) => STORY.test(file) && !file.endsWith('.test.ts'))
    .reduce((sum, file) => sum + linesOf(git('show', `${commit}:${file}`)), 0)

/** `npm run check -- lines`: counts what a person writes for each act, by command and by client, and the example's story before and with the client. */
export async function checkLines(): Promise<boolean> {
  const { connecting, acts } = await actLines()
  const [before, now] = [storyAt(BEFORE_CLIENT), storyAt('HEAD')]
  console.table(acts.map(({ act }) => ({ act, command: 0, client: connecting.length + 1 })))
  const ok = connecting.length + 1 <= 5 && now < before
  console.log(JSON.stringify({ check: 'lines', ok, command: 0, client: connecting.length + 1, story: { before, now } }))
  return ok
}
