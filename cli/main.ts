import { buildProgram } from './program.ts'

// `modelcommons jobs list | head`: who reads has enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

try {
  const program = await buildProgram({ withEngine: process.argv[2] === 'models' })
  await program.parseAsync()
} catch (error) {
  const { explain } = await import('./explain.ts')
  process.exit(explain(error)) // connections that hang, or that interrupted work still holds, must not keep the process
}
