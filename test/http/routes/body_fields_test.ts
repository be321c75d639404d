// readFields(): it returns what JSON.parse returns, or refuses the body; its work is linear in the length of the body.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { finish, PART_STEPS_MAX } from "../../../src/channels/sliced_work.ts";
import {
  BadBodyError,
  type FieldSink,
  type FieldValue,
  readFields,
} from "../../../src/http/routes/body_fields.ts";
import { ALL } from "../../../src/http/documents/stream_parameters.ts";
import { LimitError } from "../../../src/http/limits/limit_error.ts";
import { fieldsOfBody } from "../../../src/http/routes/stream_fields.ts";

class Fields implements FieldSink {
  readonly read: Record<string, unknown> = Object.create(null);
  name(): void {}
  item(): void {}
  value(name: string, value: FieldValue): void {
    this.read[name] = value.kind === "text"
      ? value.text
      : value.kind === "number"
      ? value.number
      : value.kind === "texts"
      ? value.texts
      : null;
  }
}

function read(text: string): unknown {
  const fields = new Fields();
  finish(readFields(text, fields));
  return { ...fields.read };
}

/** Steps of reading a body, and the most of one part. */
function costOf(text: string): { steps: number; most: number } {
  const work = fieldsOfBody(text, {
    parameters: ALL,
    channelsMax: 10_000,
    tooMany: () => new Response(null, { status: 400 }),
  });
  let steps = 0;
  let most = 0;
  try {
    for (;;) {
      const part = work.next();
      if (part.done) break;
      steps += part.value;
      most = Math.max(most, part.value);
    }
  } catch (error) {
    assert.ok(error instanceof LimitError);
  }
  return { steps, most };
}

async function refusal(text: string): Promise<string> {
  const answer = finish(fieldsOfBody(text, {
    parameters: ALL,
    channelsMax: 3,
    tooMany: () => new Response(`{"detail":"too many"}`, { status: 400 }),
  }));
  assert.ok(answer instanceof Response, text.slice(0, 50));
  assert.equal(answer.status, 400);
  return (await answer.json()).detail;
}

describe("readFields()", () => {
  it("returns what JSON.parse returns", () => {
    for (
      const text of [
        "{}",
        ' \t\r\n{ "a" : "b" , "c":[ ] }\n',
        '{"a":["x","y\\"z","\\u00e9\\ud83d\\ude00\\\\"],"b":-1.5e3,"c":"\\\\"}',
        '{"":"","a":0}',
        '{"a":"\\/\\b\\f\\n\\r\\t"}',
        '{"__proto__":"x"}',
        '{"a":12345678901234567890}',
      ]
    ) assert.deepEqual(read(text), { ...JSON.parse(text) }, text);
  });

  it("refuses what JSON.parse refuses", () => {
    for (
      const text of [
        "",
        "{",
        '{"a"',
        '{"a":',
        '{"a":"b"',
        '{"a":"b",}',
        '{"a":"b"}x',
        '{"a":["x",]}',
        '{"a":["x" "y"]}',
        '{a:"b"}',
        "{'a':'b'}",
        '{"a":01}',
        '{"a":1.}',
        '{"a":+1}',
        '{"a":.5}',
        '{"a":0x1}',
        '{"a":1e}',
        '{"a":NaN}',
        '{"a":"\\x"}',
        '{"a":"\n"}',
        '{"a":"\\u00g0"}',
        '{"a":"x\\"}',
        '{"a" "b"}',
        "{,}",
      ]
    ) {
      assert.throws(() => JSON.parse(text), text);
      assert.throws(() => read(text), BadBodyError, text);
    }
  });

  it("agrees with JSON.parse on bodies with one character changed", () => {
    const whole =
      '{"channels":["A","B\\n"],"start":1126259462.5,"gaps":"fill"}';
    let both = 0;
    for (let at = 0; at < whole.length; at++) {
      for (const char of '"\\,:{}[]0e-x ') {
        const text = whole.slice(0, at) + char + whole.slice(at + 1);
        let expected: unknown;
        try {
          expected = { ...JSON.parse(text) };
        } catch {
          assert.throws(() => read(text), BadBodyError, text);
          continue;
        }
        both++;
        const values = Object.values(expected as object).flat();
        if (values.every((v) => /string|number/.test(typeof v))) {
          assert.deepEqual(read(text), expected, text);
        }
      }
    }
    assert.ok(both > 100);
  });
});

describe("fieldsOfBody()", () => {
  it("names what is wrong", async () => {
    assert.match(await refusal('{"nonsense":1}'), /Unknown field 'nonsense'/);
    assert.match(
      await refusal('{"__proto__":{}}'),
      /Unknown field '__proto__'/,
    );
    assert.match(await refusal('{"gaps":"fill","gaps":"skip"}'), /given twice/);
    assert.match(await refusal('{"channels":"A"}'), /must be a list/);
    assert.match(await refusal('{"channels":["A",1]}'), /must be a list/);
    assert.match(await refusal('{"channels":[["A"]]}'), /must be a list/);
    assert.match(await refusal('{"after":5}'), /'after' must be a string/);
    assert.match(await refusal('{"start":null}'), /a string or number/);
    assert.match(await refusal("[]"), /must be a JSON object/);
    assert.match(await refusal('{"channels":["A","B","C","D"]}'), /too many/);
  });

  it("counts a repeated channel name once", () => {
    const text = JSON.stringify({ channels: Array(50).fill("A") });
    const fields = finish(fieldsOfBody(text, {
      parameters: ALL,
      channelsMax: 3,
      tooMany: () => new Response(),
    }));
    assert.deepEqual(fields, { names: ["A"] });
  });

  it("has a cost linear in the length of the body, in small parts (300,000 unknown keys blocked for 1.8 s)", () => {
    const size = 4 * 1024 * 1024;
    const keys = Array.from({ length: 300_000 }, (_, i) => `"k${i}":1`);
    const bodies = {
      blanks: " ".repeat(size),
      inner: `{"channels":[${" ".repeat(size)}]}`,
      keys: `{${keys.join(",")}}`,
      deep: "[".repeat(size),
      deepValue: `{"channels":${"[".repeat(size)}`,
      objects: '{"a":'.repeat(size / 5),
      text: `{"channels":["${"x".repeat(size)}"]}`,
      backslashes: `{"match":"${"\\".repeat(size)}"}`,
      quotes: `{"match":"${'\\"'.repeat(size / 2)}"}`,
      digits: `{"start":${"1".repeat(size)}}`,
      empties: `{"channels":[${'"",'.repeat(size / 3)}""]}`,
      names: JSON.stringify({
        channels: Array.from(
          { length: 10_000 },
          (_, i) => `${i}`.padStart(255, "x"),
        ),
      }),
    };
    for (const [name, text] of Object.entries(bodies)) {
      const { steps, most } = costOf(text);
      assert.ok(most <= PART_STEPS_MAX, `${name}: ${most}`);
      assert.ok(steps <= text.length / 2, `${name}: ${steps}`);
    }
    for (const name of ["keys", "deep", "deepValue", "objects"] as const) {
      assert.ok(costOf(bodies[name]).steps < 10, name);
    }
  });
});
