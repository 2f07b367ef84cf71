/** How long ago, or how long until, seen from `now`. */
export function ago(time: string | null, now = Date.now()): string {
  if (!time) return ''
  const seconds = Math.round((now - Date.parse(time)) / 1000)
  return seconds < 0 ? `in ${span(-seconds)}` : seconds < 2 ? 'just now' : `${span(seconds)} ago`
}

/** A length of time in one unit. */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
