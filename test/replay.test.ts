import { expect, test } from 'vitest'
import { checkReplay } from './checks/replay.ts'

const BRAVO = 'indexer/test/recordings/bravo'

test('a recorded Bravo with its token and timelock needs its replay.json and a configuration file, and comes out whole', async () => {
  const said: string[] = []
  const right = await checkReplay(BRAVO, `${BRAVO}/governors.json`, (line: string) => said.push(line))
  expect(said.filter((line) => line.startsWith('✗'))).toEqual([])
  expect(right).toBe(true)
  const governor = '0x9fe46736679d2d9a65f0992f2272de9f3c7fa6e0'
  expect(said).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^\d+ blocks, [1-9]\d* forks that took back [1-9]\d* blocks$/),
      `✓ proposals of ${governor}: expected 9, found 9`,
      '✓ weight of support 0 on proposal 6: expected 1040, found 1040',
      expect.stringMatching(
        /✓ balance of 0x\w{40} in 0x5fbdb2315678afecb367f032d93f642f64180aa3: expected 1040, found 1040/,
      ),
      expect.stringMatching(/✓ QueueTransaction events of 0x\w{40}: expected 3, found 3/),
    ]),
  )
}, 60_000)
