const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** Whether a text has the form of an address, in any case. */
export const isAddressText = (text: string): boolean => ADDRESS.test(text)

/** Completes "must be …", "expected …". */
export const ADDRESS_FORM = 'an address: 0x and 40 hex digits'
