import { expect, test } from 'vitest'
import { runProgram } from '#test/testSystem.ts'

const ONE = 'Name one of --contribution, --judgement and --duplicate.'

test.each([
  [[], ONE],
  [['--contribution', '7', '--duplicate', '3:8'], ONE],
  [['--judgement', '12'], '--judgement: expected a task and a validator, as 12:0x….'],
  [['--judgement', '12:0x12'], '--judgement: expected a task and a validator, as 12:0x….'],
  [['--duplicate', '3'], '--duplicate: expected two contributions, as 3:8.'],
])('counterfactual 1 %j is refused before anything is indexed: %s', async (args, expected) => {
  expect(await runProgram('counterfactual', {}, ['1', ...args])).toEqual({ code: 1, output: expected })
})
