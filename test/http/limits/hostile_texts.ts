// Texts that were expensive for a service, here or elsewhere: long, deeply nested, repeated, odd.

/** Values of a parameter; the long ones have `size` characters. */
export function* hostileTexts(size: number): Iterable<string> {
  const fill = (text: string) =>
    text.repeat(Math.ceil(size / text.length)).slice(0, size);
  const repeated = [
    " ",
    ",",
    "a,b",
    "é",
    "😀",
    "[",
    "(",
    "%",
    "-",
    ";",
    "q=0,",
  ];
  for (const text of [...repeated, "1", "a", '"', "\\", "H1:SUS|", "\\pL"]) {
    yield fill(text);
  }
  yield "";
  yield fill("1") + "x";
  yield fill(" ") + "x";
  yield "H1:SUS-00000_".padEnd(255, "x");
  // Expressions.
  yield "(?:(?:.?){300}){3}Z";
  yield fill(".{0,1000}");
  yield fill(".*") + "x";
  yield "x*".repeat(60) + "Z";
  yield "(?:.*[A-H].{20}){5}!";
  yield "(?:.?){60}.*Z";
  yield ".*x!";
  yield "(?i)[A-\\x{10FFFF}]";
  yield fill("(a|b)*");
  yield "((((a{99}){99}){99}){99})";
  yield `application/vnd.apache.arrow.stream;codecs="${fill("zstd,")}"`;
  // Names, numbers and times.
  yield* ["__proto__", "constructor", "\u0001\u007f\u202e", "NaN", "1e999"];
  yield* ["-0", "9999-12-31T23:59:59Z", "1950-01-01T00:00:00Z", "9".repeat(19)];
  yield "2016-12-31T23:59:60Z";
}

/** Bodies of POSTs; the long ones have about `size` characters. `names` are of channels that there are. */
export function* hostileBodies(
  size: number,
  names: readonly string[],
): Iterable<string> {
  yield* hostileTexts(size);
  for (const field of ["channels", "match", "start", "after", "none"]) {
    for (const value of hostileTexts(size)) {
      yield JSON.stringify({ [field]: value });
      yield JSON.stringify({ [field]: [value] });
    }
    yield `{"${field}":${"[".repeat(size)}`;
    yield `{"${field}":${"1".repeat(size)}}`;
    yield `{"${field}":1e9999}`;
  }
  const keys = Array.from({ length: size / 10 }, (_, i) => `"k${i}":1`);
  yield `{${keys.join(",")}}`;
  yield '{"a":'.repeat(size / 5);
  yield JSON.stringify({ channels: names, duration: 1 });
  yield JSON.stringify({ channels: names.slice(0, 50), match: ".*_x" });
  yield JSON.stringify({ channels: names.map((name) => name.slice(0, -1)) });
  yield JSON.stringify({ channels: Array(size / 20).fill(names[0]) });
  const long = "y".repeat(250);
  yield JSON.stringify({
    channels: Array.from({ length: 30 }, (_, i) => long + i),
  });
}
