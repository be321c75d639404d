// Phrases that only this project used, with their plain forms, and where a file uses them.
// Rules: CONTRIBUTING.md, "How to write". Text in back quotes is code and is not checked.
import { proseOf, readText } from "./prose.ts";

/** A phrase that is not allowed, and what to write instead. */
export const PHRASES: readonly (readonly [RegExp, string])[] = [
  // The phrases with which this list began.
  [/\bto try it with nothing else\b/i, "so you can try it without a broker"],
  [/\btold\b|\btells?\b|\btelling\b/i, "reports, says, shows"],
  [/\bwrite has left\b/i, "after its write completes"],
  [/\breading is node's\b/i, "Node reads the socket"],
  [/\bturns? back\b/i, "cancels"],
  [/\bplace is free\b|\bha(?:s|ve) (?:its|their) place\b/i, "frees its slot"],
  [/\bpays? for\b|\bpaid for\b/i, "delays, costs"],
  [/\bcalled late\b/i, "counts as late"],
  [/\bwho(?:m)?ever\b/i, "name who: clients that …"],
  [/\bwhat of\b|\bof what there\b/i, "the part of … that"],
  [
    /\bclients are given at a stop\b/i,
    "time for clients to finish at shutdown",
  ],
  // People who are not named, and code that behaves like a person.
  [/\b(?:no|some|any|every)body(?:'s)?\b/i, "no client, a user, all clients"],
  [/\bwant(?:s|ed|ing)?\b/i, "needs, requests, reads"],
  [/\b(?:comes?|came|goes?|is|are|be) home\b/i, "is returned, is released"],
  [/\bstrangers?\b/i, "untrusted client, new user"],
  [/\b(?:is|are|not|be) believed\b/i, "is trusted"],
  [/\blook(?:s|ed|ing)? after\b/i, "maintains, reconciles"],
  [/\bfarewells?\b/i, "closing clients"],
  [/\bopenings\b/i, "requests waiting for admission"],
  [/\bfates?\b/i, "outcome"],
  [/\bstumbl(?:e|es|ed)\b/i, "is delayed"],
  [/\bthe books\b/i, "the counts"],
  [/\btroubles?\b/i, "error, problem"],
  [/\bnobody'?s business\b|\bbusiness of\b/i, "belongs to"],
  // One word for one thing.
  [
    /(?<!in )\bthe past\b|\bpast (?:range|row|feed|read|reader|stream)s?\b/i,
    "history",
  ],
  [/\bthe past desk\b/i, "the history feed"],
  [/\bmend(?:s|ed|ing)?\b/i, "fix, resolve"],
  [/\bspar(?:es?|ed|ing)\b/i, "saves"],
  [/\bdear(?:er|est)?\b/i, "expensive"],
  [/\bbeside\b/i, "next to, as well as, compared with"],
  [/\bpass(?:es|ed|ing) over\b|\bto pass over\b/i, "skips"],
  [/\bshall\b/i, "must, should"],
  [/\bbears?\b/i, "has, carries"],
  [/\bone behind the other\b/i, "one after another"],
  [/\bin (?:the )?place of\b/i, "instead of"],
  [/\bpoor line\b/i, "slow connection"],
  [/\bto be had\b/i, "available"],
  [/\bclock in hand\b/i, "a clock that the test controls"],
  [/\bmost times\b/i, "usually"],
  [/\bof late\b/i, "recently"],
  [/\bfor good\b/i, "permanently"],
  [/\bfor ever\b/i, "without end, always"],
  [/\bas ever\b/i, "as before"],
  [/\banew\b|\bafresh\b/i, "again, new"],
  [/\bin one go\b/i, "in one step"],
  [/\bby turns\b/i, "in alternation"],
  [/\bbut for\b/i, "except"],
  [/\band (?:its|their) likes?\b|\bthe likes?\b/i, "and similar"],
  [/\bunasked\b|\bunseen\b|\bin silence\b/i, "without being asked, silently"],
  [/\b(?:go(?:es)?|went|going) on\b/i, "continues"],
  [/\bha(?:s|ve|d) (?:gone|left)\b/i, "has disconnected, was sent, is lost"],
  [
    /\bstands? (?:in|at|behind|before|between|there|apart|above|below|under)\b/i,
    "is in, is between",
  ],
  [/\bas (?:it|they) stands?\b/i, "exactly as printed, unchanged"],
  [
    /\bl(?:ies|ie|ay) (?:behind|before|beyond|between|further|ahead|a little|in the future)\b/i,
    "is before, is beyond",
  ],
  [/\bwhat (?:comes|came) in\b|\bwhat goes out\b/i, "incoming, outgoing data"],
  [/\bwhat (?:lies|stands)\b/i, "the part that is"],
  [
    /(?:\btests?|_test\.ts`?) holds?\b|\bholds? true\b|\bholds? (?:it|them|this|both|all of it) (?:true|to)\b/i,
    "checks, tests",
  ],
  [/\b(?:hence|thereof|wherein|therein|thereby|whence)\b/i, "so, of it, in it"],
  [
    /\b(?:CPU|cores?|memory|bytes|[KM]i?B|µs|garbage|encoding|copy|reader|line|permit|label) an? (?:row|client|frame|channel|partition|topic|folder|file|sample|block|message|write|selection|slot|bin|connection|step)\b/i,
    "per: bytes per client",
  ],
  [/\b(?:is|are) through\b(?! [a-z])|\bis not through\b/i, "is finished"],
  [/\b(?:is|are|was|be) gone\b/i, "is removed, has disconnected, ended"],
  [/\bh(?:old|olds|eld|olding) up\b/i, "delays"],
  [/\bgiv(?:e|es|en|ing)(?: \w+)? back\b|\bgave back\b/i, "releases, returns"],
  [/\bst(?:and|ands|ood|anding) still\b/i, "stops, makes no progress"],
  [/\bgo(?:es)? by\b/i, "passes, follows"],
  [
    /\b(?:bin|row|rows|frame|call|slot|entry|line|lines|timeline|column|reader|connection) an? (?:row|client|frame|channel|partition|topic|folder|file|sample|block|message|selection|stride|address|turn|broker|batch)\b/i,
    "per: a line per channel",
  ],
];

/** One line for each phrase that a file uses: where, around it, and what to write instead. */
export function phrasesIn(path: string, source?: string): string[] {
  const lines: string[] = [];
  for (const { text, line } of proseOf(path, source ?? readText(path))) {
    const plain = withoutCode(text);
    for (const [phrase, instead] of PHRASES) {
      const match = phrase.exec(plain);
      if (!match) continue;
      const around = plain.slice(
        Math.max(0, match.index - 40),
        match.index + match[0].length + 40,
      );
      lines.push(`${path}:${line}: "${around}" → ${instead}`);
    }
  }
  return lines;
}

function withoutCode(text: string): string {
  return text.replace(/`[^`]*`|\$\w+/g, "`…`").replace(/\bhttps?:\S+/g, "…");
}
