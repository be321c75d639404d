// How the text of a setting is read: one function for each kind of value, with its check.
// Invariant: an accepted value is valid and complete; a refusal says what a right value looks like.
import { isBroker, isHost, isProxy } from "./addresses.ts";
import { type Setting, SettingError } from "./setting.ts";
import { shownValue } from "./shown.ts";
import { isHostPattern, isOrigin, isPublicUrl } from "./web_names.ts";

const DIGITS_MAX = 15;

export interface WholeOptions {
  /** What the number counts, for `--help` and for messages; empty for a bare number. */
  readonly unit: string;
  readonly preset: number;
  readonly min: number;
  readonly max: number;
  readonly help: string;
}

/** A whole number from `min` to `max`, both included. */
export function whole(
  { unit, preset, min, max, help }: WholeOptions,
): Setting<number> {
  const read = (text: string) => {
    const value = Number(text);
    const isDigits = /^\d+$/.test(text) && text.length <= DIGITS_MAX;
    if (isDigits && value >= min && value <= max) return value;
    const range = `a whole number from ${min} to ${max}`;
    const right = unit === "" ? range : `${range} ${unit}`;
    // `10_000`, `4k`, `256MiB`, `1e4`, `+5`
    const isNearly = !isDigits && /\d/.test(text) && !/^-?\d+$/.test(text);
    throw new SettingError(isNearly ? `${right}, in digits alone` : right);
  };
  return { preset: String(preset), unit: unit || "NUMBER", help, read };
}

/** Any text; unset it is empty. `unit` stands for it in `--help`. */
export function text(unit: string, help: string): Setting<string> {
  return { preset: "", unit, help, read: (value) => value };
}

/** Text that no message shows. */
export function secret(help: string): Setting<string> {
  return { ...text("TEXT", help), isSecret: true };
}

/** An address or a name to listen on; where `preset` is empty, the empty text is another setting's. */
export function host(preset: string, help: string): Setting<string> {
  const read = (value: string) => {
    if (isHost(value) || value === "" && preset === "") return value;
    throw new SettingError(
      "an address or a host name, such as 127.0.0.1, ::1, 0.0.0.0 or localhost, without port and brackets",
    );
  };
  return { preset, unit: "HOST", help, read };
}

/** A path in front of every route; unset it is empty. */
export function basePath(help: string): Setting<string> {
  const read = (value: string) => {
    const isPath = value === "" || /^(\/[\w.~-]+)+$/.test(value);
    // Browsers and proxies resolve `.` and `..` before they send a request.
    if (isPath && !/\/\.\.?(\/|$)/.test(value)) return value;
    throw new SettingError(
      "a path such as /qanat, without a slash at its end",
    );
  };
  return { preset: "", unit: "PATH", help, read };
}

/** A revision of the source, such as a commit or a tag. */
export function revision(help: string): Setting<string> {
  const read = (value: string) => {
    if (/^[\w.+/:-]{0,64}$/.test(value)) return value;
    throw new SettingError(
      "a commit or a tag of at most 64 letters, digits and . _ + / : -",
    );
  };
  return { preset: "", unit: "TEXT", help, read };
}

/**
 * The path of a file that the service reads or writes. No message shows it: a user may have given the secret content
 * instead of the path.
 */
export function file(
  help: string,
  path: "read" | "write" = "read",
): Setting<string> {
  const read = (value: string) => {
    if (!value.startsWith("-----BEGIN")) return value;
    throw new SettingError("the path of a file, not what is in it");
  };
  return { preset: "", unit: "file", help, isSecret: true, path, read };
}

/** True or false; unset it is false. */
export function flag(help: string): Setting<boolean> {
  const read = (value: string) => {
    if (value === "true" || value === "1") return true;
    if (value === "false" || value === "0") return false;
    throw new SettingError("true or false");
  };
  return { preset: "false", unit: "flag", help, read };
}

/** Brokers. People often write a user and a password in front of them, which a refusal does not show. */
export function brokers(help: string): Setting<readonly string[]> {
  const unit = "HOST:PORT,…";
  const each = list(unit, help, (item) => {
    if (isBroker(item)) return null;
    if (item.includes("@")) {
      return `${unit} without user and password, which --kafka-user and QANAT_KAFKA_PASSWORD take`;
    }
    if (item.includes("://")) return `${unit} without a scheme`;
    return /:\d+$/.test(item) ? `${unit} with ports from 1 to 65535` : unit;
  });
  const connects = (addresses: readonly string[]) => ({
    addresses,
    others: addresses.length === 0
      ? null
      : "brokers report the addresses of all brokers at run time",
  });
  return { ...each, connects };
}

/** Addresses of proxies, or ranges of them. */
export function proxies(help: string): Setting<readonly string[]> {
  const unit = "ADDRESS[/BITS],…";
  return list(unit, help, (item) => {
    if (isProxy(item)) return null;
    return item.includes("/")
      ? `${unit} with at most 32 bits of IPv4, 128 of IPv6`
      : `${unit}: addresses, not names`;
  });
}

/** Origins as browsers send them, or `*` alone. */
export function origins(help: string): Setting<readonly string[]> {
  const each = list("ORIGIN,…", help, (item) => {
    if (item === "*" || isOrigin(item)) return null;
    return item === "null"
      ? "a list without null, which stands for every sandboxed page; * admits all pages"
      : "a list of origins such as https://pages.example.org:8443, without a path, or * for any";
  });
  const read = (value: string) => {
    const items = each.read(value);
    if (items.length < 2 || !items.includes("*")) return items;
    throw new SettingError(
      "either * or a list of origins, since * stands for all of them",
    );
  };
  return { ...each, read };
}

/** The address of the service in browsers; unset it is empty. */
export function publicUrl(help: string): Setting<string> {
  const read = (value: string) => {
    if (value === "" || isPublicUrl(value)) return value;
    throw new SettingError(
      "an address such as https://qanat.example.org or https://example.org/qanat, without a slash at its end",
    );
  };
  return { preset: "", unit: "URL", help, read };
}

/** Names that a Host header may have, in lower case. */
export function hosts(help: string): Setting<readonly string[]> {
  const each = list(
    "HOST,…",
    help,
    (item) =>
      isHostPattern(item)
        ? null
        : "a list of host names without scheme and port, such as qanat.example.org, " +
          "*.example.org or * for any",
  );
  return { ...each, read: (value) => each.read(value.toLowerCase()) };
}

/** Items separated by commas; unset, none. `fault` says what a right item looks like, or null where it is one. */
export function list(
  unit: string,
  help: string,
  fault: (item: string) => string | null,
): Setting<readonly string[]> {
  const read = (value: string) => {
    if (value === "") return [];
    const items = value.split(",").map((i) => i.trim());
    if (items.includes("")) {
      throw new SettingError(`${unit} without empty items`);
    }
    // A comma may be part of a password: everything before the last `@` is one text.
    if (value.includes("@")) {
      const right = items.map(fault).find((t) => t !== null);
      if (right) throw new SettingError(right);
    }
    items.forEach((item, i) => {
      const right = fault(item);
      if (right === null) return;
      const position = items.length === 1 ? "" : ` (item ${i + 1})`;
      throw new SettingError(right, shownValue(item) + position);
    });
    return items;
  };
  return { preset: "", unit, help, read };
}

/** One of some words. */
export function choice<const Word extends string>(
  preset: Word,
  words: readonly Word[],
  help: string,
): Setting<Word> {
  const named = words.filter((word) => word !== "").join("|");
  const read = (value: string) => {
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    throw new SettingError(`one of ${named}`);
  };
  return { preset, unit: named, help, read };
}

/** Some of these words, separated by commas; `none` alone stands for none of them. */
export function choices<const Word extends string>(
  none: string,
  words: readonly Word[],
  help: string,
): Setting<readonly Word[]> {
  const named = [none, ...words].join("|");
  const read = (value: string) => {
    if (value === none) return [];
    const items = value.split(",").map((item) => item.trim());
    const found = words.filter((word) => items.includes(word));
    if (found.length === items.length) return found;
    throw new SettingError(
      `${none}, or some of ${words.join(", ")}, each once, separated by commas`,
    );
  };
  return { preset: none, unit: named, help, read };
}
