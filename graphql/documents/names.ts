/** The documents about a version, by their names on the API. */
export const DOCUMENT_NAMES = ['card.md', 'croissant.json', 'openlineage.json', 'prov.json', 'samples.jsonl'] as const
export type DocumentName = (typeof DOCUMENT_NAMES)[number]

/** The path below which the API serves the documents about a version. */
export const versionPath = (id: string) => `/versions/${id}`
export const DOCUMENT_PATH = `${versionPath(':id')}/:document`
