import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runProgram } from '#test/testSystem.ts'

/** Wrong usage of the real program: the option, what it expects, and the help of this very command. */

const ADDRESS = 'Expected an address: 0x and 40 hex digits.'
const URL_EXPECTED = 'Expected a URL that starts with http:// or https://.'
const GENERATE = ['generate', 'model', 'prompt']
const TRAIN = ['train', 'model', '--data', 'x', '--out', 'y']

test('a reader that closes the pipe early ends a command in silence', async () => {
  const child = spawn(process.execPath, ['bin/modelcommons.js', '--help'], { cwd: join(import.meta.dirname, '..') })
  child.stdout.destroy()
  let complaints = ''
  child.stderr.on('data', (text) => (complaints += text))
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect({ code, complaints }).toEqual({ code: 0, complaints: '' })
})

test.each([
  ['models', [...GENERATE, '--temperature', 'abc'], 'Expected a number from 0.'],
  ['models', [...GENERATE, '--temperature', 'Infinity'], 'Expected a number from 0.'],
  ['models', [...GENERATE, '--temperature', ''], 'Expected a number from 0.'],
  ['models', [...GENERATE, '--min-p', '2'], 'Expected a number from 0 to 1.'],
  ['models', [...GENERATE, '--top-p', '0'], 'Expected a number above 0 and at most 1.'],
  ['models', [...GENERATE, '--top-k', '0'], 'Expected a whole number from 1.'],
  ['models', [...GENERATE, '--repetition-penalty', 'NaN'], 'Expected a number above 0.'],
  ['models', [...GENERATE, '--max-tokens', '0x10'], 'Expected a whole number from 1.'],
  ['models', [...GENERATE, '--logprobs', 'x'], 'Expected a whole number from 0.'],
  ['models', [...GENERATE, '--seed', '-1'], 'Expected a whole number from 0.'],
  ['models', [...TRAIN, '--learning-rate', '1e'], 'Expected a number above 0.'],
  ['models', [...TRAIN, '--rank', '1.5'], 'Expected a whole number from 1.'],
  ['export', ['{ models { nodes { id } } }', '--url', 'nonsense'], URL_EXPECTED],
  ['export', ['{ models { nodes { id } } }', '--url', 'ftp://host'], URL_EXPECTED],
  ['export', ['{ models { nodes { id } } }', '--format', 'xls'], 'Allowed choices are csv, jsonl.'],
  ['verify', ['index', '--against', 'localhost:4000'], URL_EXPECTED],
  ['verify', ['nonsense'], 'Expected an epoch, a whole number, `index` or `evaluations`.'],
  ['explain', ['1', '0x12'], ADDRESS],
  ['counterfactual', ['0', '--contribution', '7'], 'Expected a whole number from 1.'],
  ['replay', ['.', '--port', '70000'], 'Expected a port from 0 to 65535.'],
  ['index', ['--governor', '0x12'], ADDRESS],
  ['index', ['--token', 'x'], ADDRESS],
  ['index', ['--start-block', 'ten'], 'Expected a whole number from 0.'],
  ['api', ['--chain', '0'], 'Expected a whole number from 1.'],
  ['reconcile', ['--samples', '0'], 'Expected a whole number from 1.'],
  ['demo', ['--seed', 'x'], 'Expected a whole number from 0.'],
  ['keys', ['create', '--account', '0x1'], ADDRESS],
  ['keys', ['create', '--account', `0x${'1'.repeat(40)}`, '--role', 'King'], 'Allowed choices are Consumer, Operator.'],
])('%s %j is refused: %s', async (command, args, expected) => {
  const { code, output } = await runProgram(command, {}, args)
  expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining(expected) })
  const path = ['models', 'keys'].includes(command) ? `${command} ${args[0]}` : command
  expect(output.split('\n').at(-1)).toBe(`(modelcommons ${path} --help describes this command)`)
  expect(output.split('\n').length).toBeLessThanOrEqual(3)
})
