import { writeFileSync } from 'node:fs'
import { writeGenerated } from './generate.ts'

const [option] = process.argv.slice(2)
if (option !== undefined && option !== '--gas')
  throw new Error(`Unknown option ${option}: use --gas to measure gas as well, or nothing`)

const written = await writeGenerated()
console.log(`Compiled and wrote ${written.length} files to contracts/generated.`)

if (option === '--gas') {
  // Imported only now, because it uses the files that were just generated.
  const { gasPage, measureGas } = await import('./test/gas.ts')
  writeFileSync(new URL('../docs/gas.md', import.meta.url), gasPage(await measureGas()))
  console.log('Measured and wrote docs/gas.md.')
}
