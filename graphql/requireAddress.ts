import { ADDRESS_FORM, isAddressText } from '#schema/address.ts'
import { ApiError } from './errors.ts'

/** The address in lower case, as it is stored. `name` is the argument or the field that the client gave.
 *  @throws ApiError when it has not the form of an address. */
export function requireAddress(name: string, value: string): string {
  if (!isAddressText(value))
    throw new ApiError('BAD_INPUT', `${name} must be ${ADDRESS_FORM}; got ${JSON.stringify(value.slice(0, 80))}.`)
  return value.toLowerCase()
}
