import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AnswerResult } from '#gateway/followAnswer.ts'
import { responseForm } from '#gateway/responseForm.ts'
import { readResponse } from '#gateway/responseRequest.ts'

/** `npm run check -- responses`: the requests of the Open Responses compliance suite, and what `/v1/responses` answers to them, checked with the types of its
 *  specification, which are installed apart (Python). The suite’s picture is left out: the models here read text. What a model answers is given here, so that
 *  every form is seen, however small the model. */

const TYPES = 'openresponses-types==2.4.0'

const user = (content: string) => ({ type: 'message', role: 'user', content })
const tools = [
  {
    type: 'function',
    name: 'get_weather',
    description: 'Get the current weather for a location',
    parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
  },
]
const call = '{"name":"get_weather","arguments":{"location":"San Francisco, CA"}}'

/** Requests, with the answers of a model. */
const EXCHANGES: [object, string][] = [
  [{ input: [user('Say hello in exactly 3 words.')] }, 'Hello to you.'],
  [{ input: [user('Count from 1 to 5.')], stream: true }, '1 2 3 4 5'],
  [{ input: [{ ...user('Always respond in pirate speak.'), role: 'system' }, user('Say hello.')] }, 'Ahoy!'],
  [{ input: [user('What’s the weather like in San Francisco?')], tools }, call],
  [{ input: [user('What’s the weather like?')], tools, tool_choice: { type: 'function', name: 'get_weather' } }, call],
  [{ input: [user('My name is Alice.'), { ...user('Hello Alice!'), role: 'assistant' }, user('My name?')] }, 'Alice'],
  [
    { input: 'x', text: { format: { type: 'json_object' } }, instructions: 'y', metadata: { a: 'b' }, top_logprobs: 1 },
    '{}',
  ],
]

/** @returns whether every response and event is what the specification says. */
export async function checkResponses(): Promise<boolean> {
  const answers = []
  for (const [body, text] of EXCHANGES)
    for (const finish of ['stop', 'length'] as const) answers.push(await answered(body, text, finish))
  const folder = await mkdtemp(join(tmpdir(), 'open-responses-'))
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', folder]
    execFileSync('python3', [...pip, TYPES], { stdio: 'inherit' })
    const verdict = execFileSync('python3', [join(import.meta.dirname, 'openResponses/validate.py')], {
      input: JSON.stringify(answers),
      env: { ...process.env, PYTHONPATH: folder },
      encoding: 'utf8',
    })
    const { objects, problems } = JSON.parse(verdict) as { objects: number; problems: string[] }
    for (const problem of problems) console.log(problem)
    const ok = objects > 0 && problems.length === 0
    console.log(
      JSON.stringify({ check: 'responses', ok, requests: EXCHANGES.length, objects, failed: problems.length }),
    )
    return ok
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function answered(body: object, text: string, finish: AnswerResult['finish']) {
  const asked = await readResponse({ model: 'endpoint:1', ...body }, async () => [])
  const id = '0'.repeat(32)
  const form = responseForm(asked, { ids: [id], created: 1 })
  const spelled = { id: 1, text, logProbability: -0.5 }
  const tokens = [{ token: spelled, top: [spelled] }]
  const result: AnswerResult = {
    receiptId: id,
    answer: text,
    tokensIn: 3,
    tokensOut: 1,
    cachedTokens: 0,
    fee: '1',
    finish,
    tokens,
  }
  const events = [
    ...form.begin(),
    ...form.piece(0, { text: text.slice(0, 2), tokens }),
    ...form.end(0, result),
    ...form.finish([result]),
    ...form.failure({ error: { message: 'm', type: 'server_error', param: null, code: 'internal' } }),
  ]
  return { whole: form.whole([result]), events: events.map(({ data }) => data) }
}
