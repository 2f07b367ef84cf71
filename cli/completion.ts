import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** A command, by the words that start it, and what may follow. */
interface Entry {
  path: string
  next: { word: string; description: string }[]
}

/** Prints a script with which a shell completes the words of this program: commands and options. Where there are none, file names. */
export const completionScript = (program: Command, shell: Shell): string => SCRIPTS[shell](entriesOf(program))

function entriesOf(command: Command, parent = ''): Entry[] {
  const path = `${parent}${command.name()}`
  const next = [
    ...command.commands.map((one) => ({ word: one.name(), description: one.description() })),
    ...command.options.flatMap(({ long, description }) => (long ? [{ word: long, description }] : [])),
    { word: '--help', description: 'describe this command' },
  ]
  return [{ path, next }, ...command.commands.flatMap((one) => entriesOf(one, `${path} `))]
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** The places that a word may lead to, as an alternative of `case`. */
const places = (entries: readonly Entry[]) =>
  entries
    .slice(1)
    .map(({ path }) => quoted(path))
    .join('|')

const SCRIPTS: Record<Shell, (entries: readonly Entry[]) => string> = {
  bash: (entries) => `# modelcommons completion bash > ~/.local/share/bash-completion/completions/modelcommons
_modelcommons() {
  local current="\${COMP_WORDS[COMP_CWORD]}" place=modelcommons word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place $word" in
      ${places(entries)}) place="$place $word" ;;
    esac
  done
  COMPREPLY=()
  case "$place" in
${entries.map(({ path, next }) => `    ${quoted(path)}) COMPREPLY=($(compgen -W ${quoted(next.map(({ word }) => word).join(' '))} -- "$current")) ;;`).join('\n')}
  esac
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _modelcommons modelcommons
`,
  zsh: (entries) => `#compdef modelcommons
# modelcommons completion zsh > a folder of $fpath/_modelcommons
_modelcommons() {
  local place=modelcommons word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place $word" in
      ${places(entries).replaceAll("'|'", "'|\\\n      '")}) place="$place $word" ;;
    esac
  done
  case "$place" in
${entries.map(({ path, next }) => `    ${quoted(path)}) found=(${next.map(({ word, description }) => quoted(`${word}:${description}`)).join(' ')}) ;;`).join('\n')}
  esac
  _describe modelcommons found || _files
}
compdef _modelcommons modelcommons
`,
  fish: (entries) => `# modelcommons completion fish > ~/.config/fish/completions/modelcommons.fish
function __modelcommons_place
  set -l place modelcommons
  for word in (commandline -opc)[2..-1]
    contains -- "$place $word" ${entries
      .slice(1)
      .map(({ path }) => quoted(path))
      .join(' ')}; and set place "$place $word"
  end
  echo $place
end
${entries
  .flatMap(({ path, next }) =>
    next.map(({ word, description }) => {
      const offered = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`
      return `complete -c modelcommons -n ${quoted(`test (__modelcommons_place) = "${path}"`)} ${offered} -d ${quoted(description)}`
    }),
  )
  .join('\n')}
`,
}
