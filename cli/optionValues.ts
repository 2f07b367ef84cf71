import { InvalidArgumentError } from 'commander'
import type { SampleColumns } from '#model/sampleFile.ts'
import { ADDRESS_FORM, isAddressText } from '#schema/address.ts'
import { MAX_RATE } from '#schema/offchain/access.ts'

/** Parsers of option values. Each says what it expects; commander adds the name of the option and the value that was given. */

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function numberFrom(text: string, expected: string, fits: (value: number) => boolean): number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  if (!fits(value)) throw new InvalidArgumentError(`Expected ${expected}.`)
  return value
}

/** A whole number from 0. */
export const whole = (text: string) =>
  numberFrom(text, 'a whole number from 0', (value) => Number.isSafeInteger(value) && value >= 0)

/** A whole number from 1. */
export const positiveWhole = (text: string) =>
  numberFrom(text, 'a whole number from 1', (value) => Number.isSafeInteger(value) && value >= 1)

/** A TCP port; 0 takes a free one. */
export const port = (text: string) =>
  numberFrom(text, 'a port from 0 to 65535', (value) => Number.isInteger(value) && value >= 0 && value <= 65_535)

/** A finite number above 0. */
export const positive = (text: string) =>
  numberFrom(text, 'a number above 0', (value) => Number.isFinite(value) && value > 0)

/** A finite number from 0. */
export const notNegative = (text: string) =>
  numberFrom(text, 'a number from 0', (value) => Number.isFinite(value) && value >= 0)

/** A number from 0 to 1. */
export const fraction = (text: string) => numberFrom(text, 'a number from 0 to 1', (value) => value >= 0 && value <= 1)

/** A fraction above 0, at most 1. */
export const positiveFraction = (text: string) =>
  numberFrom(text, 'a number above 0 and at most 1', (value) => value > 0 && value <= 1)

export function address(text: string): string {
  if (!isAddressText(text)) throw new InvalidArgumentError(`Expected ${ADDRESS_FORM}.`)
  return text
}

/** What a key may have in a minute. */
export function rate(text: string): number {
  const value = positiveWhole(text)
  if (value > MAX_RATE) throw new InvalidArgumentError(`At most ${MAX_RATE}.`)
  return value
}

/** A day, which begins at midnight UTC, or a time with its zone. */
export function pointInTime(text: string): Date {
  const time = new Date(text)
  if (!/^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) || Number.isNaN(time.getTime()))
    throw new InvalidArgumentError('Expected a day or a time, such as 2026-11-01 or 2026-11-01T12:00:00Z.')
  return time
}

/** Of an argument that is given several times. */
export const addresses = (text: string, before: readonly string[] = []): string[] => [...before, address(text)]

export function httpUrl(text: string): string {
  if (!URL.canParse(text) || !['http:', 'https:'].includes(new URL(text).protocol))
    throw new InvalidArgumentError('Expected a URL that starts with http:// or https://.')
  return text
}

export const verifiable = (text: string) =>
  text === 'index' || text === 'evaluations'
    ? text
    : numberFrom(
        text,
        'an epoch, a whole number, `index` or `evaluations`',
        (value) => Number.isSafeInteger(value) && value >= 0,
      )

/** The columns that are the prompt and the completion of a sample. */
export function sampleColumns(text: string): SampleColumns {
  const [prompt = '', completion = '', ...more] = text.split(',').map((name) => name.trim())
  if (!prompt || !completion || prompt === completion || more.length > 0)
    throw new InvalidArgumentError('Expected two names, such as question,answer.')
  return [prompt, completion]
}
