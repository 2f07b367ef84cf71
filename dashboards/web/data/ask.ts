import { openApi } from '#client/graphql/api.ts'

/** Asks the API that serves this page. It is asked once: the page asks again by itself. */
export const ask = openApi({ urls: [location.origin], patienceMs: 0 })
