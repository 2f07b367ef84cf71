// run.js MODULE [ARGUMENT...]: runs a module of the sources, as a process that a program starts for itself.
import { fileURLToPath } from 'node:url'
import { load } from './load.js'

const [, , entry] = process.argv
process.argv.splice(1, 2, fileURLToPath(new URL(`../${entry}`, import.meta.url)))
await load(entry)
