import { Initial } from './0001-Initial.ts'
import { ReceiptAndHold } from './0002-ReceiptAndHold.ts'

/** Oldest first; written by `npm run migration`. */
export const migrations = [Initial, ReceiptAndHold]
