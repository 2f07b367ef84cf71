/** What secretlint's rules use of Node's `path`, without which one of them would lose what it finds. */
export default { basename: (path: string): string => path.slice(path.lastIndexOf('/') + 1) }
