import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { ConfigError } from '#config'

/** Asks in the terminal without showing what is typed. @throws ConfigError that names the variable, when there is no terminal. */
export function askSecret(question: string, variable: string): Promise<string> {
  const { stdin, stderr } = process
  if (!stdin.isTTY) throw new ConfigError(`${variable}: required, because no terminal can ask for it.`)
  stderr.write(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: stdin, output: silent, terminal: true })
  return new Promise((resolve) =>
    terminal.question('', (answer) => {
      terminal.close()
      stderr.write('\n')
      resolve(answer)
    }),
  )
}
