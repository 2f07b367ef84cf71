import { Initial } from './0001-Initial.ts'

/** Oldest first; written by `npm run migration`. */
export const migrations = [Initial]
