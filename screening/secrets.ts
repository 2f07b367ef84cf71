import { rules } from '@secretlint/secretlint-rule-preset-recommend'
import type { SecretLintRuleContext, SecretLintSourceCode } from '@secretlint/types'
import type { Match } from './findings.ts'

/** The rules that find secrets. Those that filter are left out: a comment in the text would switch the others off. */
const SCANNERS = rules.filter(({ meta }) => meta.type === 'scanner')

/** Finds the API keys, tokens, private keys and passwords in URLs that secretlint's recommended rules know. The rules run without secretlint's core, which
 *  remembers every run for ever. */
export function secretsIn(text: string): Match[] {
  const matches: Match[] = []
  const context: SecretLintRuleContext = {
    sharedOptions: {},
    createTranslator: () => (messageId) => ({ message: '', messageId: String(messageId), data: undefined }),
    report: ({ message, range: [at] }) => void matches.push({ kind: message.messageId, at }),
    ignore: () => {},
  }
  for (const { create, meta } of SCANNERS)
    if (create(context, {}).file?.(sourceOf(text)) instanceof Promise)
      throw new Error(`${meta.id} became asynchronous: what it finds would be lost.`)
  return matches
}

/** What the rules read of a source: a text with a name that tells nothing. */
const sourceOf = (content: string) =>
  ({
    content,
    contentType: 'text',
    filePath: 'sample',
    physicalFilePath: undefined,
    ext: '',
    hasBOM: false,
    getFilePath: () => 'sample',
    getPhysicalFilePath: () => undefined,
  }) as Partial<SecretLintSourceCode> as SecretLintSourceCode
