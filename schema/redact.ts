const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)([^\s:@/?#]*):[^\s"'<>]*@/gi
const URL_TAIL = /([a-z][a-z0-9+.-]*:\/\/[^\s"'<>/?#]+)([/?#][^\s"'<>]*)/gi
/** Providers put keys into the path of a URL: a segment this long that is no word. */
const KEY_SEGMENT = /\/(?=[^/]*\d)[\w-]{20,}(?=\/|$)/g

/** The text with what must not be read by others removed from each URL in it: the password, the query, and path segments that look like
 *  keys. */
export const redactCredentials = (text: string): string =>
  text
    .replace(USER_INFO, '$1$2:…@')
    .replace(
      URL_TAIL,
      (_, origin: string, tail: string) =>
        origin +
        tail.replace(/[?#].*$/, (query) => (query.length > 1 ? `${query[0]}…` : query)).replace(KEY_SEGMENT, '/…'),
    )
