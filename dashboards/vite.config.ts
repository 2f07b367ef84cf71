import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Builds the page of `web/` into `dist/`, which the API serves at `/`. */
export default defineConfig({
  root: here('web'),
  base: '/',
  plugins: [react()],
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
