import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Whole systems in processes of their own, for minutes: `npm run check -- stories` plays them. */
export const STORIES = '**/*.story.test.ts'
export const NO_TESTS = ['**/node_modules/**', 'dashboards/dist/**', 'dist/**', '.modelcommons/**', 'bench/peers/**']

/** Vitest begins with the largest files when it knows no durations, and these would be left alone at the end. */
const SLOWEST = ['test/webPages', 'test/restoredAnswers', 'cli/backup/backup', 'test/gateway']

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isSlow = ({ moduleId }: TestSpecification) => SLOWEST.some((name) => moduleId.endsWith(`/${name}.test.ts`))
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))]
  }
}

export default defineConfig({
  // One copy of graphql for our code and for the packages that node loads itself.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['**/*.test.ts'],
    exclude: [...NO_TESTS, STORIES],
    globalSetup: ['test/postgres.setup.ts'],
    setupFiles: ['test/environment.setup.ts', 'test/patience.setup.ts', 'test/warnings.setup.ts'],
    // A busy machine is many times as slow: whatever ends at all may take its time.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // Whole processes are killed and clocks awaited here; on a shared CI machine one of thousand waits may be too short.
    retry: process.env.CI ? 1 : 0,
    pool: 'forks',
    isolate: false, // the files of a process share its modules: loading them anew for each took a third of the whole time
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    sequence: { sequencer: SlowestFirst },
    maxWorkers: 4, // two processors are busy with four: many tests wait for processes, blocks or clocks
  },
})
