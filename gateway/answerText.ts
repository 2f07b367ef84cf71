import { certainContent } from './toolCalls.ts'
import type { AnswerTokens, StreamedPiece } from './workerStream.ts'

/** The content of a streamed answer, as far as it is told: what may become a call of a tool is held back, and so are its tokens. */
export class AnswerText {
  private read = ''
  private told = 0
  private tokens: AnswerTokens | undefined

  constructor(private readonly names: readonly string[]) {}

  /** What of a piece may be told now. */
  next({ text, tokens }: StreamedPiece): StreamedPiece | undefined {
    this.read += text
    if (tokens) this.tokens = [...(this.tokens ?? []), ...tokens]
    return this.tell(certainContent(this.read, this.names))
  }

  /** What is left at the end: of the content, and the tokens of what was held back. */
  rest(content: string): StreamedPiece {
    return this.tell(content) ?? { text: '', ...this.takeTokens() }
  }

  private tell(content: string): StreamedPiece | undefined {
    if (content.length <= this.told) return undefined
    const text = content.slice(this.told)
    this.told = content.length
    return { text, ...this.takeTokens() }
  }

  private takeTokens(): Pick<StreamedPiece, 'tokens'> {
    const { tokens } = this
    if (!tokens) return {}
    this.tokens = []
    return { tokens }
  }
}
