/**
 * Writes the scripts by which shells complete commands and options.
 *
 * @module
 */

/** An option that a shell completes. */
export interface CompletedOption {
  /** Its long name: `--limit`. */
  readonly name: string;
  /** What it does. */
  readonly text: string;
  /** Whether a value follows. */
  readonly takesValue: boolean;
}

/** A command that a shell completes. */
export interface CompletedCommand {
  /** Its words: `runs list`. */
  readonly path: string;
  /** What it does. */
  readonly summary: string;
  /** Its options, those of every command too. */
  readonly options: readonly CompletedOption[];
}

/** What a shell completes. */
export interface Completed {
  /** The program's name. */
  readonly program: string;
  /** Groups of commands, with what each is about. */
  readonly groups: Readonly<Record<string, string>>;
  /** All commands. */
  readonly commands: readonly CompletedCommand[];
}

/** The shells. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell. */
export type Shell = typeof SHELLS[number];

/**
 * Writes the script for a shell.
 *
 * @param shell The shell.
 * @param completed What it completes.
 * @returns The script.
 */
export function completionScript(shell: Shell, completed: Completed): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](completed);
}

/** What may follow an unfinished command: by its words, the next words. */
function nextWords({ commands, groups }: Completed): Map<string, Map<string, string>> {
  const next = new Map<string, Map<string, string>>([["", new Map()]]);
  for (const group of Object.keys(groups)) next.set(group, new Map());
  for (const { path, summary } of commands) {
    const [first, second] = path.split(" ") as [string, string | undefined];
    if (second === undefined) next.get("")!.set(first, summary);
    else {
      const words = next.get("")!;
      if (!words.has(first)) words.set(first, groups[first] ?? "");
      if (!next.has(first)) next.set(first, new Map()); // a command that is a group as well
      next.get(first)!.set(second, summary);
    }
  }
  return next;
}

/** Options after which a word is their value, and no command. */
function optionsWithValue({ commands }: Completed): string[] {
  const options = commands.flatMap(({ options }) => options);
  return [...new Set(options.filter(({ takesValue }) => takesValue).map(({ name }) => name))];
}

function functionOf(program: string): string {
  return `_${program.replaceAll(/\W/g, "_")}`;
}

/**
 * The part of the script that bash and zsh share: it finds the command that the words before the
 * cursor name, and then the words that may follow.
 */
function posixBody(completed: Completed): string {
  const { commands, groups } = completed;
  const known = [...Object.keys(groups), ...commands.map(({ path }) => path)];
  const next = [...nextWords(completed)].map(([path, words]) =>
    `    "${path}") candidates="${[...words.keys()].join(" ")}" ;;`
  );
  const options = commands.map(({ path, options }) =>
    `    "${path}") options="${options.map(({ name }) => name).join(" ")}" ;;`
  );
  return `
  for word in "\${before[@]}"; do
    if [ -n "$skip" ]; then skip=""; continue; fi
    case "$word" in
      ${optionsWithValue(completed).join("|")}) skip=1; continue ;;
      -*) continue ;;
    esac
    case "\${named:+$named }$word" in
      ${known.map((path) => `"${path}"`).join("|")}) named="\${named:+$named }$word" ;;
    esac
  done
  if [ -n "$skip" ]; then return; fi
  case "$named" in
${next.join("\n")}
  esac
  case "$named" in
${options.join("\n")}
    *) options="--help --version" ;;
  esac`;
}

function bashScript(completed: Completed): string {
  const name = functionOf(completed.program);
  return `# Completion of ${completed.program} for bash.
${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" word named="" skip="" candidates="" options=""
  local -a before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  COMPREPLY=()${posixBody(completed)}
  case "$current" in -*) candidates="$options" ;; esac
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}
complete -o default -F ${name} ${completed.program}
`;
}

function zshScript(completed: Completed): string {
  const name = functionOf(completed.program);
  return `#compdef ${completed.program}
# Completion of ${completed.program} for zsh.
${name}() {
  local current="\${words[CURRENT]}" word named="" skip="" candidates="" options=""
  local -a before
  before=("\${(@)words[2,CURRENT - 1]}")${
    posixBody(completed).replace("then return; fi", "then _files; return; fi")
  }
  case "$current" in -*) candidates="$options" ;; esac
  if [ -n "$candidates" ]; then compadd -- \${=candidates}; else _files; fi
}
if [ "$funcstack[1]" = "${name}" ]; then ${name} "$@"; else compdef ${name} ${completed.program}; fi
`;
}

function fishScript(completed: Completed): string {
  const { program, commands, groups } = completed;
  const name = functionOf(program);
  const known = [...Object.keys(groups), ...commands.map(({ path }) => path)];
  const at = (path: string) => `-n "test (${name}_path) = '${path}'"`;
  const words = [...nextWords(completed)].flatMap(([path, words]) =>
    [...words].map(([word, text]) =>
      `complete -c ${program} -f ${at(path)} -a ${word} -d ${fishText(text)}`
    )
  );
  const options = commands.flatMap(({ path, options }) =>
    options.map(({ name, text, takesValue }) =>
      `complete -c ${program} ${at(path)} -l ${name.slice(2)}${takesValue ? " -r" : ""} -d ${
        fishText(text)
      }`
    )
  );
  return `# Completion of ${program} for fish.
function ${name}_path
  set -l known ${known.map(fishText).join(" ")}
  set -l with_value ${optionsWithValue(completed).join(" ")}
  set -l path ""
  set -l skip ""
  for word in (commandline -opc)[2..]
    if test -n "$skip"; set skip ""; continue; end
    if contains -- $word $with_value; set skip 1; continue; end
    if string match -q -- '-*' $word; continue; end
    set -l longer (string trim -- "$path $word")
    if contains -- $longer $known; set path $longer; end
  end
  echo "$path"
end
${[...words, ...options].join("\n")}
`;
}

function fishText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
