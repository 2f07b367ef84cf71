/** Day and minute, in the reader's zone; with the year when it is not this one. */
export const clock = (time: string, now = Date.now()) =>
  new Date(time).toLocaleString('en-GB', {
    ...{ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
    ...(new Date(time).getFullYear() !== new Date(now).getFullYear() && { year: 'numeric' }),
  })

/** The whole time with its zone, and in UTC. */
export const withZone = (time: string) =>
  `${new Date(time).toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'long' })} (${new Date(time).toISOString()})`
