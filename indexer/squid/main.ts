import { openDatabase } from '#schema/database.ts'
import { placeOf } from '../follow/begin.ts'
import type { ProcessorNeeds } from './backfill.ts'
import { VersionedDatabase } from './database.ts'
import { runProcessor } from './processor.ts'

/** A process of its own for the processor, which ends the process that it runs in. Its argument is what it needs, as JSON. */
const { databaseUrl, deployment, ...options } = JSON.parse(process.argv[2]!) as ProcessorNeeds
const place = placeOf(deployment)
const db = await openDatabase(databaseUrl, { name: 'modelcommons-squid', max: 2 })
runProcessor(place, new VersionedDatabase(db, place), options)
