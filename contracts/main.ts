import { writeGenerated } from './generate.ts'

const written = await writeGenerated()
console.log(`Compiled and wrote ${written.length} files to contracts/generated.`)
