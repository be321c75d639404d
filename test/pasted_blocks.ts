// The code blocks of the documents for users, and which suite runs which of them, exactly as they are printed.
// Invariant: a block in shell that no suite runs says why, in a comment above it: `<!-- not run: REASON -->`.
import { readText } from "./prose.ts";

/** A code block of a document. */
export interface Block {
  readonly file: string;
  /** The heading of level 2 above it. */
  readonly heading: string;
  readonly language: string;
  readonly code: string;
  /** Line of its first line in the document. */
  readonly line: number;
  /** It ends only when it is stopped. */
  readonly isEndless: boolean;
  /** Why no suite runs it; null: one does. */
  readonly notRun: string | null;
}

/** Sections whose blocks a suite of test/integration runs. */
export interface Section {
  readonly suite: string;
  readonly file: string;
  readonly headings: RegExp;
}

export const RUN: readonly Section[] = [
  // Those of "Your own topic" need a broker.
  {
    suite: "recipes",
    file: "docs/recipes.md",
    headings: /^(?!Your own topic)/,
  },
  { suite: "recipes", file: "README.md", headings: /^Try it/ },
  {
    suite: "recipes",
    file: "clients/python/README.md",
    headings: /^(A range|Live|With gwpy|In a notebook)$/,
  },
  { suite: "recipes", file: "docs/security.md", headings: /^The token file/ },
  {
    suite: "recipes",
    file: "docs/scaling.md",
    headings: /^What a load needs/,
  },
  { suite: "readme", file: "README.md", headings: /^$|^With Kafka/ },
  { suite: "packages_npm", file: "README.md", headings: /^Packages$/ },
  { suite: "topics", file: "docs/recipes.md", headings: /^Your own topic/ },
];

const ENDLESS = "<!-- runs until stopped -->";
const NOT_RUN = /<!-- not run: ([^>]+) -->/;
const PART = /^( *)```(\w+)\n([\s\S]*?)^\1```$|^## (.*)$/gm;

/** The blocks of a document, in their order. */
export function blocksOf(file: string, text = readText(file)): Block[] {
  const blocks: Block[] = [];
  let heading = "";
  let end = 0;
  for (const match of text.matchAll(PART)) {
    const [whole, indent = "", language, code, title] = match;
    const before = text.slice(end, match.index);
    end = match.index + whole.length;
    if (title !== undefined) {
      heading = title;
      continue;
    }
    blocks.push({
      file,
      heading,
      language: language!,
      code: code!.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      line: text.slice(0, match.index).split("\n").length + 1,
      isEndless: before.includes(ENDLESS),
      notRun: NOT_RUN.exec(before)?.[1] ?? null,
    });
  }
  return blocks;
}

/** Languages of files that a program reads. */
const READ: readonly string[] = ["json", "yaml", "ini"];

/** The blocks that a suite runs. */
export function blocksRunBy(suite: string): Block[] {
  return RUN.filter((section) => section.suite === suite)
    .flatMap(({ file, headings }) =>
      blocksOf(file).filter((block) =>
        headings.test(block.heading) && block.notRun === null &&
        !READ.includes(block.language)
      )
    );
}
