import type { FolderFiles } from '#model/folderFiles.ts'

/** A file that a person chose, by its name in the folder. */
export type ChosenFile = readonly [name: string, file: File]

/** The files that a directory input has. Each browser names them from the folder that was chosen on. */
export const filesOfInput = (list: FileList | null): ChosenFile[] =>
  Array.from(list ?? [], (file) => [withoutFirst(file.webkitRelativePath) || file.name, file] as const)

/** The files of a folder that was dropped. */
export async function filesOfDrop(items: DataTransferItemList): Promise<ChosenFile[]> {
  // The list is emptied as soon as the event is over.
  const entries = Array.from(items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const found = (await Promise.all(entries.map((entry) => filesOfEntry(entry)))).flat()
  return entries.length === 1 && entries[0]?.isDirectory
    ? found.map(([name, file]) => [withoutFirst(name), file] as const)
    : found
}

const withoutFirst = (path: string) => path.slice(path.indexOf('/') + 1)

async function filesOfEntry(entry: FileSystemEntry): Promise<ChosenFile[]> {
  const name = entry.fullPath.replace(/^\//, '')
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    return [[name, file]]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const found: ChosenFile[] = []
  for (;;) {
    // It gives at most a hundred at once.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return found
    found.push(...(await Promise.all(some.map((one) => filesOfEntry(one)))).flat())
  }
}

/** The chosen files as a folder. Bytes are read when they are asked for. */
export function chosenFolder(chosen: readonly ChosenFile[]): FolderFiles {
  const files = new Map(chosen)
  return {
    path: '',
    list: async () => [...files.keys()],
    size: async (name) => files.get(name)?.size,
    read: async (name, start, end) => {
      const file = files.get(name)
      return file && new Uint8Array(await file.slice(start, end).arrayBuffer())
    },
  }
}
