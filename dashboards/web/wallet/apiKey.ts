/** The key with which this page asks an API that wants one: kept until the tab is closed, and sent to this page's own server alone. */

const KEY = 'modelcommons/apiKey'

export const apiKey = (): string | undefined => sessionStorage.getItem(KEY) ?? undefined

export function keepApiKey(key: string): void {
  if (key) sessionStorage.setItem(KEY, key)
  else sessionStorage.removeItem(KEY)
}
