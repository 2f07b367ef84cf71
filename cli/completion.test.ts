import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const script = (shell: string) =>
  execFileSync(process.execPath, ['bin/modelcommons.js', 'completion', shell], { encoding: 'utf8' })

/** What bash offers after these words. */
async function offered(...words: string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-completion-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'complete.sh'), script('bash'))
  await writeFile(join(folder, 'samples.jsonl'), '')
  const line = ['modelcommons', ...words]
  const code = `. ./complete.sh; COMP_WORDS=("$@"); COMP_CWORD=${line.length - 1}; _modelcommons; printf '%s\\n' "\${COMPREPLY[@]}"`
  const output = execFileSync('bash', ['-c', code, 'bash', ...line], { cwd: folder, encoding: 'utf8' })
  return output.trim().split('\n')
}

test('bash completes commands, their commands, options, and file names', async () => {
  expect(await offered('mod')).toEqual(['models', 'model'])
  expect(await offered('model', '')).toEqual(['init', 'check', 'propose', 'list', 'status', 'format', '--help'])
  expect(await offered('model', 'propose', '--dr')).toEqual(['--dry-run'])
  expect(await offered('endpoint', 'open', '3', '--price-')).toEqual(['--price-in', '--price-out'])
  expect(await offered('contribute', 'sam')).toEqual(['samples.jsonl'])
})

test('the scripts of zsh and fish name the same commands', () => {
  expect(script('zsh')).toMatch(/'modelcommons model'\) found=\('init:make a model folder' 'check:/)
  expect(script('fish')).toContain(
    `complete -c modelcommons -n 'test (__modelcommons_place) = "modelcommons rewards"' -a why -d 'why an account earned what it did in an epoch'`,
  )
  for (const shell of ['zsh', 'fish']) expect(script(shell)).not.toContain('undefined')
})
