// Bundles every program of this package, for an image whose services cannot write beside it.
import { prepare } from './load.js'

await Promise.all(['cli/main.ts', 'engine/process/child.ts', 'indexer/squid/main.ts'].map(prepare))
