import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { contributors } from '#example/contributors.ts'
import { drawItems } from '#example/skill/items.ts'
import { MAX_SAMPLE_LENGTH } from '#rules/sample.ts'
import { screeningFindingText } from './findings.ts'
import { SCREENING_RULES } from './recorded.ts'
import { screenSample } from './screenSample.ts'

/** Joined at run time, so that no scanner of repositories takes the tests for a leak. */
const joined = (...parts: string[]) => parts.join('')

const kindsIn = (completion: string) =>
  screenSample({ prompt: 'p', completion }).map(({ verdict, kind }) => `${verdict}: ${kind}`)

const PRIVATE_KEY = joined(
  '-----BEGIN RSA PRIV',
  'ATE KEY-----\n',
  'MIICXAIBAAKBgQCqGKukO1De7zhZj6+H0qtjTkVxwTCpvKe4eCZ0FPqri0cb2JZfXJ/DgYSF6vUpwmJG8wVQZKjeGcjDOL5UlsuusFncCzWBQ7RKNUSesmQRMSGkVb1/\n',
  '-----END RSA PRIV',
  'ATE KEY-----',
)

describe('what is found', () => {
  const expected: [text: string, kind: string][] = [
    [joined('ghp', '_abcdefghijklmnopqrstuvwxyz0123456789'), 'secret: GITHUB_TOKEN'],
    [joined('xox', 'b-123456789012-123456789012-abcdefghijklmnopqrstuvwx'), 'secret: SLACK_TOKEN'],
    [joined('npm', '_a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2'), 'secret: NPM_ACCESS_TOKEN'],
    [joined('sk-ant-', `api03-${'a1'.repeat(46)}`, 'bAA'), 'secret: ANTHROPIC_API_KEY'],
    [joined('sk-pr', `oj-${'a1'.repeat(37)}T3Blb`, `kFJ${'b2'.repeat(37)}`), 'secret: OPENAI_TOKEN'],
    [joined('lin', `_api_${'a1'.repeat(20)}`), 'secret: LINEAR_API_TOKEN'],
    [joined('aws_secret_access', '_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYzA9pLqR3tU'), 'secret: AWSSecretAccessKey'],
    ['see https://anna:hunter22@git.acme-tools.io/x', 'secret: BasicAuth'],
    [joined('postgres', '://anna:hunter22@db.acme-tools.io/live'), 'secret: PostgreSQLConnection'],
    [PRIVATE_KEY, 'secret: PrivateKey'],
    [joined('/* secretlint-dis', 'able */ ghp', '_abcdefghijklmnopqrstuvwxyz0123456789'), 'secret: GITHUB_TOKEN'],
    ['jane.doe@acme-tools.io', 'personalData: e-mail address'],
    ['Mail <Jane+shop@Mail.Acme-Tools.co.uk>.', 'personalData: e-mail address'],
    ['call +49 30 901820 today', 'personalData: phone number'],
    ['(+1 (415) 692-3111)', 'personalData: phone number'],
    ['+33.1.42.68.53.00', 'personalData: phone number'],
    ['+44 20 7930 4832 2 items', 'personalData: phone number'],
    ['4539 1488 0343 6467', 'personalData: payment card number'],
    ['card 5500005555555559, please', 'personalData: payment card number'],
    ['DE89 3704 0044 0532 0130 00', 'personalData: bank account number (IBAN)'],
    ['my IBAN GB82WEST12345698765432 IS RIGHT', 'personalData: bank account number (IBAN)'],
    ['nl91abna0417164300', 'personalData: bank account number (IBAN)'],
  ]
  test.each(expected)('%s', (text, kind) => expect(kindsIn(text)).toContain(kind))
})

describe('what is no secret and no personal data', () => {
  const harmless = [
    'Order 4539148803436468 has not arrived', // the check digit is wrong
    'Tracking number 1Z999AA10123456784',
    'ISBN 978-3-16-148410-0, DOI 10.1000/182',
    '2026-11-28 21:49:10, 1,234,567.89 or 1.234.567,89',
    'version 1.13.16, 192.168.0.1, ::1, 0x5af0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8',
    '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
    'Write to support@acme-tools.io or to jane@example.com',
    'user@localhost, a@b, @handle, x@y.invalid',
    'Call +1 202 555 0143 or 0800 123456',
    'DE89 3704 0044 0532 0130 01 and AB12 3456 7890 1234',
    'https://acme-tools.io/a:b@c, http://host:8080/x@y',
    'postgres://localhost/live and mongodb://db:27017/x',
    'The password is in the vault; my key does not fit the lock.',
    'AKIAIOSFODNN7EXAMPLE, sk-live, ghp_short, xoxb-',
    joined('-----BEGIN PUBLIC KEY-----\n', 'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----'),
    'f(x) = +1234567 * 10, E = mc^2, a+b@c',
  ]
  test.each(harmless)('%s', (text) => expect(kindsIn(text)).toEqual([]))

  test.each([1, 2, 7])('none of the samples of the example, seed %d', (seed) => {
    const people = contributors(seed, drawItems(seed, 'test', 160).map(leaked))
    const samples = people.flatMap((one) => one.samples)
    expect(samples.length).toBe(660)
    expect(samples.flatMap(screenSample)).toEqual([])
  })
})

const leaked = ({ prompt }: { prompt: string }) => ({ prompt, completion: 'delivery | low | none | We look for it.' })

test('a finding tells the kind and the place, and nothing of what was found', () => {
  const token = joined('ghp', '_abcdefghijklmnopqrstuvwxyz0123456789')
  const [first, second] = screenSample({ prompt: `one\ntwo ${token}\njane.doe@acme-tools.io`, completion: 'c' })
  expect(first).toEqual({ verdict: 'secret', kind: 'GITHUB_TOKEN', field: 'prompt', line: 2 })
  expect(second).toEqual({ verdict: 'personalData', kind: 'e-mail address', field: 'prompt', line: 3 })
  expect(first && screeningFindingText(first)).toBe(
    'Holds a secret (GITHUB_TOKEN) in the prompt, line 2. Replace it by an invented value.',
  )
})

describe('no text takes long', () => {
  const units = [
    ...['a', '1', 'A', ' ', '\n', '@', '.', '-', '+', 'é', '%', '"', '\\', '/', ':'],
    ...[
      'a@',
      'a@a.',
      'a.',
      '1 ',
      '1-',
      '+1',
      '+1 ',
      '+1(',
      '12.',
      'A1',
      'DE89',
      'DE89 ',
      'DE89 A ',
      'a@b.co\n',
      'a@b.co,',
    ],
    ...['https://', 'https://a:', 'https://a:b@', 'http://a:b@c.', 'mongodb://a:b@', 'postgres://', 'mysql://x:y@h?'],
    ...[
      '-----BEGIN ',
      '-----BEGIN RSA PRIVATE KEY-----',
      '-----BEGIN PRIVATE KEY-----A',
      'PRIVATE KEY',
      'xoxb-',
      'xoxb-1-',
      'xoxb-a',
    ],
    ...[
      'secret_access_key',
      'aws_',
      'aws_secret_access_key = ',
      'secret=>',
      "'secretaccesskey'\t: ",
      'ghp_',
      'github_pat_',
      'npm_',
    ],
    ...[
      '_authToken=',
      '//r/:_authToken=$',
      'sk-',
      'sk-proj-',
      'sk-ant-api03-',
      'SG.',
      'SG.a.a',
      'shpat_',
      'lin_api_',
      'ops_ey',
      'ops_eyA',
    ],
    ...[
      '{"type":"service_account",',
      '"private_key":',
      'secretlint-disable ',
      ':x-oauth-basic@github.com/',
      'https://hooks.slack.com/services/T',
    ],
  ]
  test.each(units)('repeated %j', (unit) => {
    const text = unit.repeat(MAX_SAMPLE_LENGTH / unit.length)
    for (const hostile of [text, `${text}!`, `x${text}\0`]) {
      const started = performance.now()
      screenSample({ prompt: hostile, completion: 'c' })
      expect(performance.now() - started).toBeLessThan(20_000)
    }
  })
})

test('whoever changes the rules, or a library that finds something, gives them a new version', () => {
  const folder = join(import.meta.dirname, '..')
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const used = Object.fromEntries(
    Object.entries(dependencies).filter(([name]) => /^(@secretlint|libphonenumber-js$|validator$)/.test(name)),
  )
  const files = ['findings.ts', 'personalData.ts', 'screenSample.ts', 'secrets.ts']
  const sources = files.map((file) => readFileSync(join(import.meta.dirname, file), 'utf8')).join('')
  const hash = createHash('sha256').update(sources).digest('hex')
  expect({ version: SCREENING_RULES, used, hash }).toMatchSnapshot()
})
