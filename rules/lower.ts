/** Shared by all rules: the form of addresses. */

import type { Hex } from 'viem'

/** Addresses are compared and stored in lower case. */
export const lower = (address: Hex) => address.toLowerCase() as Hex
