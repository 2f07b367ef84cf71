import { expect, test, vi } from 'vitest'
import { explain } from './explain.ts'

test.each(['ENOSPC', '53100'])('a full disk is named as such, whoever met it (%s)', (code) => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  expect(explain(Object.assign(new Error('could not extend file'), { code }))).toBe(1)
  expect(print).toHaveBeenCalledWith(expect.stringMatching(/^The disk is full \(could not extend file\)\. Make room/))
  print.mockRestore()
})
