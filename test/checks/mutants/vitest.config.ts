import { defineConfig } from 'vitest/config'

/** The tests that decide whether a mutant lives: those of pure rules, which need neither database nor chain. */
export default defineConfig({
  test: {
    include: ['rules/**/*.test.ts', 'math/**/*.test.ts'],
    exclude: ['rules/speed.test.ts', 'rules/sealedAttacks.test.ts'],
    setupFiles: ['test/checks/mutants/seed.setup.ts'],
    testTimeout: 60_000,
  },
})
