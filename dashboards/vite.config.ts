import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** What stands for modules of Node in the checks of a model folder, which are those of `modelcommons model check`: GraphQL types of the inputs of jobs are
 *  not declared, the time that a pattern takes is limited from outside of the worker, and CSV is parsed without Node's buffers. */
const BROWSER_MODULES = [
  { find: 'type-graphql', replacement: 'type-graphql/shim' },
  { find: '#engine/text/boundedMatch.ts', replacement: here('web/folder/watchedMatch.ts') },
  { find: 'node:path', replacement: here('web/folder/nodePath.ts') },
  { find: /^csv-parse\/sync$/, replacement: 'csv-parse/browser/esm/sync' },
]

/** Builds the page of `web/` into `dist/`, which the API serves at `/`. */
export default defineConfig({
  root: here('web'),
  base: '/',
  plugins: [react()],
  resolve: { alias: BROWSER_MODULES },
  worker: { format: 'es' },
  build: {
    outDir: here('dist'),
    emptyOutDir: true,
    target: 'es2022',
    reportCompressedSize: false,
    // GraphiQL is a page of its own, so that the page of the lifecycle loads nothing of it.
    rolldownOptions: { input: [here('web/index.html'), here('web/graphiql.html')] },
  },
  server: { proxy: { '/graphql': { target: 'http://127.0.0.1:4000', ws: true } } },
})
