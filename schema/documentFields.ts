import { z } from 'zod'

/** The forms of fields that documents share. */

export const hash = z.string().regex(/^0x[0-9a-f]{64}$/, 'expected an artifact name')
/** No uint256 has more digits. */
export const wei = z.string().regex(/^\d{1,78}$/, 'expected wei as a decimal string')
export const wholeNumber = z.number().int()
export const id = z.string().regex(/^\d{1,78}$/, 'expected an id')
export const signedPpm = z.string().regex(/^-?\d{1,30}$/, 'expected ppm as a decimal string')
export const lowerAddress = z.string().regex(/^0x[0-9a-f]{40}$/, 'expected an address in lower case')
/** Products of amounts and shares have more digits than wei; of very many digits no number can be made. */
export const digits = z.string().regex(/^\d{1,400}$/, 'expected a decimal string')
export const signedWei = z.string().regex(/^-?\d{1,78}$/, 'expected wei as a decimal string')
