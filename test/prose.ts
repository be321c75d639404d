// Finds the text that people read in this repository: Markdown, comments, and strings with at least two words.
// Invariant: code is left out, and so is what a text marks as code with back quotes.

/** A piece of text, white space collapsed, and the line of the file in which it begins. */
export interface Prose {
  readonly text: string;
  readonly line: number;
}

const ROOT = new URL("../", import.meta.url);
const SKIPPED =
  /^(?:\.git|\.qanat|node_modules|dist|data|fixtures|docs\/img|test\/golden\/(?!.*\.ts$).*|src\/(?:page|http\/documents)\/lib)(?:\/|$)|\/node_modules(?:\/|$)/;
const C_LIKE = /\.(?:ts|js|c|css|go)$/;
const HASH_LIKE =
  /\.(?:py|sh|yaml|conf)$|(?:^|\/)(?:Dockerfile|Caddyfile|run)$/;

/** Paths of all files that hold text for people, relative to the root of the repository. */
export function proseFiles(): string[] {
  const found: string[] = [];
  const walk = (folder: string) => {
    for (const entry of Deno.readDirSync(new URL(folder, ROOT))) {
      const path = folder + entry.name;
      if (SKIPPED.test(path)) continue;
      if (entry.isDirectory) walk(path + "/");
      else if (/\.(?:md|html|json)$/.test(path) || isCode(path)) {
        if (!/(?:^|\/)(?:deno\.lock|package-lock\.json)$/.test(path)) {
          found.push(path);
        }
      }
    }
  };
  walk("");
  return found.sort();
}

function isCode(path: string): boolean {
  return C_LIKE.test(path) || HASH_LIKE.test(path);
}

export function readText(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** The text for people in one file. */
export function proseOf(path: string, source = readText(path)): Prose[] {
  if (path.endsWith(".md")) return markdown(source);
  if (C_LIKE.test(path)) return tokens(source);
  if (HASH_LIKE.test(path)) return hashComments(source);
  if (path.endsWith(".json")) return strings(source);
  return [piece(source.replace(/<[^>]*>/g, " "), 1)];
}

/** The comments of one file of code, without its strings. */
export function commentsOf(path: string, source = readText(path)): Prose[] {
  if (C_LIKE.test(path)) return tokens(source, false);
  return HASH_LIKE.test(path) ? hashComments(source, false) : [];
}

function piece(text: string, line: number): Prose {
  return { text: text.replace(/\s+/g, " ").trim(), line };
}

/** Paragraphs, table rows and list items, without code blocks. */
function markdown(source: string): Prose[] {
  const found: Prose[] = [];
  let isFenced = false;
  let paragraph: string[] = [];
  let start = 1;
  const flush = () => {
    if (paragraph.length > 0) found.push(piece(paragraph.join(" "), start));
    paragraph = [];
  };
  source.split("\n").forEach((line, index) => {
    if (/^\s*```/.test(line)) {
      isFenced = !isFenced;
      flush();
    } else if (isFenced) return;
    else if (line.trim() === "") flush();
    else {
      if (/^(?:\||#|\s*(?:[-*]|\d+\.) )/.test(line)) flush();
      if (paragraph.length === 0) start = index + 1;
      paragraph.push(line);
    }
  });
  flush();
  return found;
}

/** Comments after `#`, and quoted strings, of YAML, Python, shell and configuration files. */
function hashComments(source: string, withStrings = true): Prose[] {
  const found: Prose[] = [];
  let comment: string[] = [];
  let start = 1;
  const flush = () => {
    if (comment.length > 0) found.push(piece(comment.join(" "), start));
    comment = [];
  };
  source.split("\n").forEach((line, index) => {
    const whole = /^\s*#+ ?(.*)$/.exec(line);
    if (whole) {
      if (comment.length === 0) start = index + 1;
      comment.push(whole[1]!);
      return;
    }
    flush();
    const behind = /\s# (.*)$/.exec(line);
    if (behind) found.push(piece(behind[1]!, index + 1));
    if (!withStrings) return;
    for (const [, text] of line.matchAll(/"([^"]* [^"]*)"/g)) {
      found.push(piece(text!, index + 1));
    }
  });
  flush();
  return found;
}

function strings(source: string): Prose[] {
  return source.split("\n").flatMap((line, index) =>
    [...line.matchAll(/"([^"]* [^"]*)"/g)].map(([, text]) =>
      piece(text!, index + 1)
    )
  );
}

/** Comments and strings of a language with `//`, `/* *\/` and three kinds of quotes. */
function tokens(source: string, withStrings = true): Prose[] {
  const found: Prose[] = [];
  const TOKEN =
    /((?:^[ \t]*)?\/\/[^\n]*(?:\n[ \t]*\/\/[^\n]*)*)|(\/\*[\s\S]*?\*\/)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(`(?:[^`\\]|\\[\s\S])*`)|((?<=[(,=:[!&|?{};\n]\s*|return )\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*)/gm;
  let line = 1;
  let last = 0;
  for (const match of source.matchAll(TOKEN)) {
    line += source.slice(last, match.index).split("\n").length - 1;
    last = match.index;
    const [, slashes, block, quoted, template] = match;
    if (slashes) found.push(piece(slashes.replace(/^\s*\/\/ ?/gm, ""), line));
    else if (block) {
      found.push(
        piece(block.slice(2, -2).replace(/^\s*\*+ ?/gm, ""), line),
      );
    } else if (withStrings) {
      const text = quoted ?? template;
      if (text && /\w \w/.test(text)) {
        found.push(
          piece(
            text.slice(1, -1).replace(/\$\{[^}]*\}/g, "…").replaceAll(
              "\\n",
              "\n",
            ),
            line,
          ),
        );
      }
    }
  }
  return found;
}
