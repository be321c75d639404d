// Sealed sessions: who can open them, for how long, and what ending one reaches.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ANONYMOUS, type Claims } from "../../src/auth/claims.ts";
import { EndedSessions } from "../../src/auth/ended_sessions.ts";
import {
  BadSessionKeysError,
  SessionKeys,
} from "../../src/auth/session_keys.ts";
import { type Session, Sessions } from "../../src/auth/sessions.ts";

const OLD = "old-key-old-key-old-key-old-key-old-key";
const NEW = "new-key-new-key-new-key-new-key-new-key";
const HOUR_MS = 3_600_000;
const BORN_MS = Date.UTC(2026, 0, 1);

const ALICE: Claims = {
  kind: "jwt",
  subject: "alice",
  issuer: "https://issuer.example/",
  groups: ["/ligo", "/grüße"],
  scopes: ["arrakis.read:/H1"],
  tokenHash: "ab12",
  expiresMs: BORN_MS + HOUR_MS,
};

class World {
  nowMs = BORN_MS;

  async sessions(text: string, ended?: EndedSessions): Promise<Sessions> {
    return new Sessions({
      keys: await SessionKeys.of(text),
      hoursMax: 12,
      unixMs: () => this.nowMs,
      ...(ended ? { ended } : {}),
    });
  }
}

async function cookieOf(sessions: Sessions, claims = ALICE): Promise<string> {
  const begun = await sessions.begin(claims);
  assert.equal(begun.kind, "new");
  return (begun as { cookie: string }).cookie;
}

async function opened(sessions: Sessions, cookie: string): Promise<Session> {
  const session = await sessions.open(cookie);
  assert.equal(session.kind, "session", JSON.stringify(session));
  return session as Session;
}

async function refusal(sessions: Sessions, cookie: string): Promise<string> {
  const denied = await sessions.open(cookie);
  assert.equal(denied.kind, "denial");
  return (denied as { detail: string }).detail;
}

describe("keys of sessions", () => {
  const refused = (text: string, why: RegExp) =>
    assert.rejects(SessionKeys.of(text), (error: Error) => {
      assert.ok(error instanceof BadSessionKeysError);
      assert.match(error.message, why);
      return true;
    });

  it("are one a line, with comments and empty lines between them", async () => {
    const keys = await SessionKeys.of(`# first\r\n${NEW}\r\n\n  ${OLD}  \n`);
    assert.equal(keys.size, 2);
  });

  it("are refused as a whole when one is too short, none is there or too many are, without showing one", async () => {
    await refused(`${OLD}\nhunter2`, /^line 2 has 7 characters/);
    await refused("# nothing\n", /there is no key/);
    await refused(`${OLD}\n`.repeat(17), /17 keys, at most 16/);
  });
});

describe("a session", () => {
  it("has the claims of its token, on every instance with the key and after a restart", async () => {
    const world = new World();
    const cookie = await cookieOf(await world.sessions(OLD));
    const { claims } = await opened(await world.sessions(OLD), cookie);
    assert.deepEqual(claims, ALICE);
  });

  it("hides its claims: the cookie has no word of them, and two cookies of one owner share nothing but the key's name", async () => {
    const sessions = await new World().sessions(OLD);
    const [a, b] = [await cookieOf(sessions), await cookieOf(sessions)];
    assert.match(a, /^1\.[\w-]{8}\.[\w-]+$/);
    const bytes = Uint8Array.fromBase64(a.split(".")[2]!, {
      alphabet: "base64url",
    });
    assert.doesNotMatch(new TextDecoder().decode(bytes), /alice|issuer|ab12/);
    assert.equal(a.slice(0, 11), b.slice(0, 11));
    assert.notEqual(a.slice(11, 27), b.slice(11, 27));
  });

  it("is refused when any character of its cookie was changed", async () => {
    const sessions = await new World().sessions(OLD);
    const cookie = await cookieOf(sessions);
    for (let i = 0; i < cookie.length; i++) {
      const other = cookie[i] === "A" ? "B" : "A";
      const changed = cookie.slice(0, i) + other + cookie.slice(i + 1);
      // The last character may have bits that belong to no byte.
      if (i === cookie.length - 1) continue;
      assert.match(await refusal(sessions, changed), /not one of this/, `${i}`);
    }
  });

  it("is refused when its cookie is nothing like one, however long it is", async () => {
    const sessions = await new World().sessions(OLD);
    for (
      const odd of ["", "1..", "x", "1.AAAAAAAA.", "%00", "1.".repeat(99_999)]
    ) {
      assert.match(await refusal(sessions, odd), /not one of this instance/);
    }
  });

  it("of an old key opens while the key is listed, and new ones are sealed with the first", async () => {
    const world = new World();
    const old = await world.sessions(OLD);
    const cookie = await cookieOf(old);
    const rotated = await world.sessions(`${NEW}\n${OLD}`);
    await opened(rotated, cookie);
    await opened(await world.sessions(NEW), await cookieOf(rotated));
    const before = await opened(rotated, cookie);
    const newer = await opened(rotated, await cookieOf(rotated));
    assert.equal(before.isEnded, false);
    rotated.useKeys(await SessionKeys.of(NEW));
    assert.match(await refusal(rotated, cookie), /no longer in use/);
    // What was opened before has ended, too: its streams must not outlive the key.
    assert.equal(before.isEnded, true);
    assert.equal(newer.isEnded, false);
  });

  it("of a random key is no other process's", async () => {
    const unixMs = () => BORN_MS;
    const one = () => SessionKeys.random();
    const a = new Sessions({ keys: await one(), hoursMax: 1, unixMs });
    const b = new Sessions({ keys: await one(), hoursMax: 1, unixMs });
    await refusal(b, await cookieOf(a));
  });

  it("ends with its token, or after the hours of the setting", async () => {
    const world = new World();
    const sessions = await world.sessions(OLD);
    const short = await cookieOf(sessions);
    const long = await cookieOf(sessions, { ...ALICE, expiresMs: Infinity });
    world.nowMs = BORN_MS + HOUR_MS - 1;
    await opened(sessions, short);
    world.nowMs++;
    assert.match(await refusal(sessions, short), /has expired/);
    world.nowMs = BORN_MS + 12 * HOUR_MS - 1;
    const { claims } = await opened(sessions, long);
    assert.equal(claims.expiresMs, BORN_MS + 12 * HOUR_MS);
    world.nowMs++;
    assert.match(await refusal(sessions, long), /has expired/);
  });

  it("with more groups than a cookie holds is refused with the number of bytes", async () => {
    const sessions = await new World().sessions(OLD);
    const groups = Array.from({ length: 300 }, (_, i) => `/group/${i}`);
    const denied = await sessions.begin({ ...ALICE, groups });
    assert.equal(denied.kind, "denial");
    const { detail, error } = denied as { detail: string; error: string };
    assert.equal(error, "invalid_request");
    assert.match(detail, /cookie of \d{4} bytes, and at most 3800/);
    assert.equal(sessions.counters.tooLarge, 1);
  });

  it("that was ended is refused by this instance, and says so to what it has opened before", async () => {
    const world = new World();
    const sessions = await world.sessions(OLD);
    const cookie = await cookieOf(sessions);
    const other = await cookieOf(sessions);
    const before = await opened(sessions, cookie);
    sessions.end(await opened(sessions, cookie));
    assert.equal(before.isEnded, true);
    assert.match(await refusal(sessions, cookie), /was ended by signing out/);
    await opened(sessions, other);
    // Others know nothing of it: docs/security.md says so.
    await opened(await world.sessions(OLD), cookie);
  });
});

describe("the list of ended sessions", () => {
  const session = (
    id: string,
    owner = "a",
    startedMs = 0,
    expiresMs = 100,
  ) => ({
    id,
    owner,
    startedMs,
    expiresMs,
  });

  it("is bounded: beyond the limit all sessions of that owner that began before have ended, and no one else's", () => {
    const list = new EndedSessions({ ownerMax: 2 });
    for (const [i, id] of ["x", "y", "z"].entries()) {
      list.add(session(id, "a", i), 10);
    }
    for (const [i, id] of ["x", "y", "z"].entries()) {
      assert.equal(list.has(session(id, "a", i)), true);
    }
    assert.equal(list.has(session("never ended", "a", 1)), true);
    assert.equal(list.has(session("begun later", "a", 3)), false);
    assert.equal(list.has(session("x", "b")), false);
    assert.equal(list.overflows, 1);
  });

  it("forgets expired ones first", () => {
    const list = new EndedSessions({ ownerMax: 1 });
    list.add(session("x", "a", 0, 5), 1);
    list.add(session("y", "a", 3, 50), 5);
    assert.equal(list.overflows, 0);
    assert.equal(list.has(session("y", "a", 3)), true);
  });

  it("with too many owners refuses every session that began before, and forgets no session that was ended", () => {
    const list = new EndedSessions({ ownersMax: 2 });
    list.add(session("x", "a", 7), 10);
    list.add(session("x", "b", 8), 10);
    list.add(session("x", "c", 9), 10);
    for (const [owner, ms] of [["a", 7], ["b", 8], ["c", 9]] as const) {
      assert.equal(list.has(session("x", owner, ms)), true);
    }
    assert.equal(list.has(session("y", "d", 8)), true);
    assert.equal(list.has(session("y", "d", 9)), false);
    assert.equal(list.owners, 1);
  });

  it("makes room by owners whose sessions have all expired", () => {
    const list = new EndedSessions({ ownersMax: 1 });
    list.add(session("x", "a", 0, 5), 1);
    list.add(session("x", "b", 6, 50), 5);
    assert.equal(list.overflows, 0);
    assert.equal(list.has(session("y", "c", 2)), false);
  });
});

describe("claims without a credential", () => {
  it("have no expiry that a session could not keep", async () => {
    const sessions = await new World().sessions(OLD);
    const cookie = await cookieOf(sessions, { ...ANONYMOUS, kind: "token" });
    const { claims } = await opened(sessions, cookie);
    assert.equal(Number.isFinite(claims.expiresMs), true);
  });
});
