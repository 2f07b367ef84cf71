import { defineConfig } from 'vitest/config'

export default defineConfig({
  // One copy of graphql for our code and for the packages that node loads itself.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dashboards/dist/**', '.modelcommons/**', 'bench/peers/**'],
    globalSetup: ['test/postgres.setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
