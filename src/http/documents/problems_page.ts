// The page /docs/problems: a section for each problem, at which its `type` points.
// Invariant: the page needs no script and no style, so it works under the strictest policy and in any reader.
import {
  PROBLEM_CODES,
  type ProblemCode,
  statusOfCode,
  titleOfCode,
} from "../transport/problem_codes.ts";
import { PROBLEM_TEXTS } from "./problem_texts.ts";

/** The whole page. */
export function problemsPage(): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Qanat: problems</title>
<link rel="icon" href="data:,">
<h1>Problems</h1>
<p>Errors are <a href="https://www.rfc-editor.org/rfc/rfc9457">problem details</a>
in JSON. <code>type</code> is the address of a section of this page,
<code>code</code> is its name for programs, <code>param</code> is the parameter
that was wrong, and <code>detail</code> says what would be right. Codes keep
their meaning in later versions; new ones may be added.</p>
<ul>
${PROBLEM_CODES.map(entryOf).join("\n")}
</ul>
${PROBLEM_CODES.map(sectionOf).join("\n")}
</html>
`;
}

function entryOf(code: ProblemCode): string {
  return `<li>${statusOfCode(code)} <a href="#${code}">${code}</a></li>`;
}

function sectionOf(code: ProblemCode): string {
  const { meaning, remedy } = PROBLEM_TEXTS[code];
  return `<h2 id="${code}"><code>${code}</code></h2>
<p><strong>${statusOfCode(code)} ${titleOfCode(code)}.</strong> ${
    htmlOf(meaning)
  }</p>
<p>${htmlOf(remedy)}</p>`;
}

/** Markdown without anything but code as HTML. */
function htmlOf(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;")
    .replace(/`([^`]*)`/g, "<code>$1</code>");
}
