// A clone of this tree and a shell without `deno` on its path, as a new user has them after `git clone`.
// Invariant: npx finds this very Deno in the folder node_modules of the clone, so it asks no registry.

const ROOT = new URL("../..", import.meta.url).pathname;
/** Where the jars of Kafka are; without them each clone would download its own. */
const KAFKA = ".qanat/kafka";

/** Copies the files that Git has or would have into a folder. */
export async function copyTree(folder: string): Promise<void> {
  const files = "git ls-files -co --exclude-standard | " +
    `while read -r f; do [ -e "$f" ] && echo "$f"; done | tar cf - -T - | tar xf - -C '${folder}'`;
  const { success, stderr } = await new Deno.Command("sh", {
    args: ["-c", files],
    cwd: ROOT,
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

export interface PastedClone {
  readonly folder: string;
  /** A PATH without `deno`. */
  readonly path: string;
  remove(): Promise<void>;
}

export async function pastedClone(): Promise<PastedClone> {
  const base = await Deno.makeTempDir({ prefix: "qanat-clone-" });
  const remove = () => Deno.remove(base, { recursive: true });
  try {
    return { ...await cloneIn(base), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function cloneIn(base: string): Promise<Omit<PastedClone, "remove">> {
  const folder = `${base}/qanat`;
  await Deno.mkdir(`${folder}/node_modules/.bin`, { recursive: true });
  await copyTree(folder);
  await Deno.symlink(Deno.execPath(), `${folder}/node_modules/.bin/deno`);
  if (exists(`${ROOT}/${KAFKA}`)) {
    await Deno.mkdir(`${folder}/.qanat`);
    await Deno.symlink(
      await Deno.realPath(`${ROOT}/${KAFKA}`),
      `${folder}/${KAFKA}`,
    );
  }
  return { folder, path: pathWithoutDeno(`${base}/bin`) };
}

/** In a folder with `deno` only the other programs stay: links to them in a new folder replace it. */
function pathWithoutDeno(links: string): string {
  const path = Deno.env.get("PATH") ?? "";
  return path.split(":").map((folder, i) => {
    if (!exists(`${folder}/deno`)) return folder;
    const other = `${links}-${i}`;
    Deno.mkdirSync(other);
    for (const { name } of Deno.readDirSync(folder)) {
      if (name !== "deno") {
        Deno.symlinkSync(`${folder}/${name}`, `${other}/${name}`);
      }
    }
    return other;
  }).join(":");
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
