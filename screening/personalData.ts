import parsePhoneNumber from 'libphonenumber-js/min'
import validator from 'validator'
import type { Match } from './findings.ts'

/** Each kind of personal data: where it may begin, and what proves that it is one. What has no checksum or numbering plan, such as a name, is not looked
 *  for: rejections must be right. Patterns are bounded, so that no text takes more than time in proportion to its length. */
const KINDS: readonly { kind: string; candidates: RegExp; proves: (candidate: string) => boolean }[] = [
  { kind: 'e-mail address', candidates: /[\w.%+'-]{1,64}@[a-z0-9.-]{1,253}/gi, proves: isPersonalEmail },
  { kind: 'phone number', candidates: /(?<![\w+])\+[1-9](?:[ ()./-]{0,2}\d){6,14}(?!\d)/g, proves: isPhoneNumber },
  {
    kind: 'payment card number',
    candidates: /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])/g,
    proves: validator.isCreditCard,
  },
  { kind: 'bank account number (IBAN)', candidates: /(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}/gi, proves: isIban },
]

/** Finds e-mail addresses, phone numbers in international form, payment card numbers and IBANs that are valid by their checksums and numbering plans.
 *  Addresses and numbers that are reserved for examples, and those of an office rather than a person, are none. */
export const personalDataIn = (text: string): Match[] =>
  KINDS.flatMap(({ kind, candidates, proves }) =>
    [...text.matchAll(candidates)].flatMap((found) => (proves(found[0]) ? [{ kind, at: found.index }] : [])),
  )

/** RFC 2606 and RFC 6761. */
const RESERVED_DOMAIN = /(?:^|\.)(?:example|test|invalid|localhost|example\.(?:com|net|org))$/i

/** RFC 2142, and the names of senders that nobody reads. */
const OFFICE =
  /^(?:abuse|admin|billing|contact|help|hello|hostmaster|info|marketing|no-?reply|noc|office|orders|postmaster|sales|security|service|support|team|webmaster)$/i

function isPersonalEmail(candidate: string): boolean {
  const address = candidate.replace(/^[.'-]{1,64}|[.-]{1,253}$/g, '')
  const [name = '', domain = ''] = address.split('@')
  return validator.isEmail(address) && !RESERVED_DOMAIN.test(domain) && !OFFICE.test(name)
}

/** Numbers that telephone authorities keep for fiction: 555-0100 to 555-0199 in North America, Ofcom's in Britain. */
const FICTIONAL_NUMBER = /^\+(?:1\d{3}55501\d{2}|44(?:20794600|7700900|1632960|1914980|808157)\d{1,4})$/

/** The plus sign and seven digits. */
const MIN_PHONE_LENGTH = 8

/** Digits after a number may belong to something else, so that groups are dropped from the end until the rest is a number. */
function isPhoneNumber(candidate: string): boolean {
  for (let rest = candidate; rest.length >= MIN_PHONE_LENGTH; rest = rest.replace(/[^\d+]{0,3}\d{1,15}$/, '')) {
    const number = parsePhoneNumber(rest)
    if (number?.isValid()) return !FICTIONAL_NUMBER.test(number.number)
  }
  return false
}

/** The shortest and the longest IBAN. */
const IBAN_LENGTHS = { min: 15, max: 34 }

/** Words in capitals may follow, so that every length is tried. */
function isIban(candidate: string): boolean {
  const compact = candidate.replaceAll(' ', '').toUpperCase()
  for (let length = IBAN_LENGTHS.min; length <= Math.min(compact.length, IBAN_LENGTHS.max); length++)
    if (validator.isIBAN(compact.slice(0, length))) return true
  return false
}
