import { defineConfig } from 'vitest/config'

export default defineConfig({
  // One copy of graphql for our code and for the packages that node loads itself.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dashboards/dist/**', 'dist/**', '.modelcommons/**', 'bench/peers/**'],
    globalSetup: ['test/postgres.setup.ts'],
    setupFiles: ['test/warnings.setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Whole processes are killed and clocks awaited here; on a shared CI machine one of thousand waits may be too short.
    retry: process.env.CI ? 1 : 0,
    pool: 'forks',
    maxWorkers: 3, // two processors are busy with three: many tests wait for processes, blocks or clocks
  },
})
