import { useAnswer } from './answer.ts'

/** The answer of a call as it comes, and what this browser found about its receipt. */
export function AnswerShown() {
  const { text, receipt, verdict } = useAnswer()
  return (
    <section className="answer" aria-label="The answer">
      <pre aria-live="polite" aria-busy={!receipt}>
        {text || '…'}
      </pre>
      {verdict &&
        (verdict.valid ? (
          <p className="quiet">
            The receipt is right: its hash is that of this prompt, answer and fee, and <code>{verdict.signer}</code>,
            who may sign for the endpoint, has signed it.
          </p>
        ) : (
          <p className="act-fault" role="alert">
            The receipt is wrong. {verdict.problems.join(' ')}
          </p>
        ))}
      {receipt && (
        <details>
          <summary>The receipt</summary>
          <pre>{JSON.stringify(receipt, null, 1)}</pre>
        </details>
      )}
    </section>
  )
}
