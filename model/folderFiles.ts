/** The files of a folder: on a disk, or chosen in a browser. Names are relative to it, with `/` between their parts. */
export interface FolderFiles {
  /** Where the folder is, for what is named relative to it. */
  path: string
  /** The names of everything in it, in sub-folders, too; undefined when there is no such folder. */
  list(): Promise<string[] | undefined>
  /** In bytes; undefined when there is no such file. */
  size(file: string): Promise<number | undefined>
  /** The bytes from `start` to before `end`; of the whole file by default. Undefined when there is no such file.
   *  @throws Error, with a `code` where there is one, when it cannot be read. */
  read(file: string, start?: number, end?: number): Promise<Uint8Array | undefined>
}
