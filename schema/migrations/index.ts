import { Initial } from './0001-Initial.ts'
import { ReceiptAndHold } from './0002-ReceiptAndHold.ts'
import { PresentRows } from './0003-PresentRows.ts'

/** Oldest first; written by `npm run migration`. */
export const migrations = [Initial, ReceiptAndHold, PresentRows]
