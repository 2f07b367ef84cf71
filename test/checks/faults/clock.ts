/** A wrong clock for a process and its child processes, by the variable NODE_OPTIONS: `Date` is off by this time. */
export function clockEnvironment(offsetMs: number): Record<string, string> {
  const code = `
    const RealDate = globalThis.Date
    globalThis.Date = class Date extends RealDate {
      constructor(...given) { given.length ? super(...given) : super(RealDate.now() + ${offsetMs}) }
      static now() { return RealDate.now() + ${offsetMs} }
    }`
  return { NODE_OPTIONS: offsetMs ? `--import=data:text/javascript,${encodeURIComponent(code)}` : '' }
}
