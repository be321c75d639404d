// The arguments of `deno compile` that make one binary of a task.
/** Modules that the program starts as workers, which `deno compile` does not find by itself. */
const WORKERS = ["src/worker.ts", "src/ingest.ts"];

/** `command`: of the task that starts the service. */
export function compileArgs(
  command: string,
  { output, target }: {
    readonly output: string;
    readonly target?: string | undefined;
  },
): string[] {
  const [, , ...words] = command.split(" ");
  const program = words.pop()!;
  return [
    "compile",
    ...words,
    ...WORKERS.map((file) => `--include=${file}`),
    ...target === undefined ? [] : [`--target=${target}`],
    `--output=${output}`,
    program,
  ];
}
