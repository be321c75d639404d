// The text that a started service prints, with hostile channel names in its catalog.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { greetingOf } from "../../src/supervisor/greeting.ts";
import { configWith } from "../driven_source.ts";
import { HOSTILE_NAMES } from "../hostile_names.ts";

function greetingWith(
  name: string,
  changes: Parameters<typeof configWith>[0] = {},
) {
  const catalog = {
    get: () => undefined,
    find: () => [{ name }],
    size: 1,
  };
  return greetingOf({ config: configWith(changes), catalog }, 8080);
}

describe("greetingOf()", () => {
  it("names the version and the revision", () => {
    const text = greetingWith("A", { revision: "4f0c1d2" });
    assert.match(text, /^version: \d+\.\d+\.\d+, revision 4f0c1d2$/m);
    assert.match(greetingWith("A"), /, revision unknown$/m);
  });

  it("has commands that request the channel and do nothing else", async () => {
    const folder = await Deno.makeTempDir({ prefix: "qanat-greeting-" });
    try {
      for (const name of HOSTILE_NAMES) {
        const text = greetingWith(name);
        assert.doesNotMatch(text, /[^\P{Cc}\n]|\p{Cf}|\p{Zl}|\p{Zp}/u);
        const lines = text.split("try:\n")[1]!;
        const { stdout } = await new Deno.Command("sh", {
          args: ["-c", `curl() { printf '%s\\0' "$2"; }\n${lines}`],
          cwd: folder,
        }).output();
        const urls = new TextDecoder().decode(stdout).split("\0").slice(0, -1);
        assert.equal(urls.length, 2);
        const wanted = name.includes(",") ? "CHANNEL" : name;
        for (const url of urls) {
          assert.equal(new URL(url).searchParams.get("channels"), wanted);
        }
      }
      assert.deepEqual([...Deno.readDirSync(folder)], []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("has commands with a token where the instance needs one", () => {
    const text = greetingWith("A", { auth: ["tokens"] });
    assert.match(
      text,
      /^ {2}curl -N -H "Authorization: Bearer \$QANAT_TOKEN" '?http:/m,
    );
  });

  it("names the Flight port where there is one", () => {
    assert.doesNotMatch(greetingWith("A"), /flight/);
    const at = { host: "127.0.0.1", flightPort: 31206 };
    const plain = "flight: grpc://127.0.0.1:31206 for clients of Arrakis";
    assert.ok(greetingWith("A", at).includes(`\n${plain}\n`));
    const secured = greetingWith("A", {
      ...at,
      flightHost: "::1",
      tlsCert: "x",
    });
    assert.match(secured, /^flight: grpc\+tls:\/\/\[::1\]:31206 /m);
  });

  it("has URLs that are valid with IPv6", () => {
    const text = greetingWith("A", { host: "::1", basePath: "/qanat" });
    assert.match(text, /on http:\/\/\[::1\]:8080\/qanat\n/);
    assert.ok(URL.canParse(text.match(/open (\S+)/)![1]!));
  });
});
