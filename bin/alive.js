// For health checks of containers: ends with 0 when the URL answers with a status below 400.
const [url] = process.argv.slice(2)
const answer = await fetch(url, { signal: AbortSignal.timeout(4000) }).catch(() => undefined)
process.exit(answer?.ok ? 0 : 1)
