/** A text that may be long, in a box that scrolls. */
export const ScrollingText = ({ label, children }: { label: string; children: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
  <section className="sample" aria-label={label} tabIndex={0}>
    {children}
  </section>
)
