/** The client in Node: everything of `index.ts`, and what needs files. */
export * from './index.ts'
export { fileState } from './state/fileState.ts'
