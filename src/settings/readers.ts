// How the text of a setting is read: one function a kind, each with its check and what would be right.
// Invariant: a value that is taken is complete and valid; what is refused says what would be right.
import type { Config } from "../config.ts";
import { isBroker, isHost, isProxy } from "./addresses.ts";
import { shownValue } from "./shown.ts";
import { isHostPattern, isOrigin } from "./web_names.ts";

/** A setting that cannot be taken: what would be right, and what was wrong where that is not the whole value. */
export class SettingError extends Error {
  readonly wrong: string | null;

  constructor(right: string, wrong: string | null = null) {
    super(right);
    this.wrong = wrong;
  }
}

export interface Setting {
  readonly key: keyof Config;
  readonly fallback: string;
  readonly unit: string;
  readonly help: string;
  /** No message shows its value. */
  readonly isSecret?: boolean;
  readonly read: (text: string) => Config[keyof Config];
}

const DIGITS_MAX = 15;

export function whole(
  key: keyof Config,
  fallback: number,
  min: number,
  max: number,
  unit: string,
  help: string,
): Setting {
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
  return {
    key,
    fallback: String(fallback),
    unit: unit || "NUMBER",
    help,
    read,
  };
}

export function text(
  key: keyof Config,
  fallback: string,
  unit: string,
  help: string,
): Setting {
  return { key, fallback, unit, help, read: (value) => value };
}

/** Text that no message shows. */
export function secret(key: keyof Config, help: string): Setting {
  return { ...text(key, "", "", help), isSecret: true };
}

export function host(
  key: keyof Config,
  fallback: string,
  help: string,
): Setting {
  const read = (value: string) => {
    if (isHost(value)) return value;
    throw new SettingError(
      "an address or a host name, such as 127.0.0.1, ::1, 0.0.0.0 or localhost, without port and brackets",
    );
  };
  return { key, fallback, unit: "", help, read };
}

export function basePath(key: keyof Config, help: string): Setting {
  const read = (value: string) => {
    const isPath = value === "" || /^(\/[\w.~-]+)+$/.test(value);
    // Browsers and proxies resolve `.` and `..` before they ask.
    if (isPath && !/\/\.\.?(\/|$)/.test(value)) return value;
    throw new SettingError(
      "a path such as /qanat, without a slash at its end",
    );
  };
  return { key, fallback: "", unit: "", help, read };
}

/** A revision of the source, such as a commit or a tag. */
export function revision(key: keyof Config, help: string): Setting {
  const read = (value: string) => {
    if (/^[\w.+/:-]{0,64}$/.test(value)) return value;
    throw new SettingError(
      "a commit or a tag of at most 64 letters, digits and . _ + / : -",
    );
  };
  return { key, fallback: "", unit: "", help, read };
}

/** The path of a file. What is in the file may be secret, and so may be what is given in its place by mistake. */
export function file(key: keyof Config, help: string): Setting {
  const read = (value: string) => {
    if (!value.startsWith("-----BEGIN")) return value;
    throw new SettingError("the path of a file, not what is in it");
  };
  return { key, fallback: "", unit: "file", help, isSecret: true, read };
}

export function flag(key: keyof Config, help: string): Setting {
  const read = (value: string) => {
    if (value === "true" || value === "1") return true;
    if (value === "false" || value === "0") return false;
    throw new SettingError("true or false");
  };
  return { key, fallback: "false", unit: "flag", help, read };
}

/** Brokers, which a user and a password are often written in front of. */
export function brokers(
  key: keyof Config,
  unit: string,
  help: string,
): Setting {
  return list(key, unit, help, (item) => {
    if (isBroker(item)) return null;
    if (item.includes("@")) {
      return `${unit} without user and password, which --kafka-user and QANAT_KAFKA_PASSWORD take`;
    }
    if (item.includes("://")) return `${unit} without a scheme`;
    return /:\d+$/.test(item) ? `${unit} with ports from 1 to 65535` : unit;
  });
}

export function proxies(
  key: keyof Config,
  unit: string,
  help: string,
): Setting {
  return list(key, unit, help, (item) => {
    if (isProxy(item)) return null;
    return item.includes("/")
      ? `${unit} with at most 32 bits of IPv4, 128 of IPv6`
      : `${unit}: addresses, not names`;
  });
}

/** Origins as browsers send them, or `*` alone. */
export function origins(key: keyof Config, help: string): Setting {
  const each = list(key, "ORIGIN,…", help, (item) => {
    if (item === "*" || isOrigin(item)) return null;
    return item === "null"
      ? "a list without null, which stands for every sandboxed page; * admits all pages"
      : "a list of origins such as https://pages.example.org:8443, without a path, or * for any";
  });
  const read = (value: string) => {
    const items = each.read(value) as readonly string[];
    if (items.length < 2 || !items.includes("*")) return items;
    throw new SettingError(
      "either * or a list of origins, since * stands for all of them",
    );
  };
  return { ...each, read };
}

/** Names that may stand in Host, in lower case. */
export function hosts(key: keyof Config, help: string): Setting {
  const each = list(
    key,
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

/** Items parted by commas. `trouble` says what would be right, or null. */
export function list(
  key: keyof Config,
  unit: string,
  help: string,
  trouble: (item: string) => string | null,
): Setting {
  const read = (value: string) => {
    if (value === "") return [];
    const items = value.split(",").map((i) => i.trim());
    if (items.includes("")) {
      throw new SettingError(`${unit} without empty items`);
    }
    // A comma may be part of a password: everything before the last `@` is one text.
    if (value.includes("@")) {
      const right = items.map(trouble).find((t) => t !== null);
      if (right) throw new SettingError(right);
    }
    items.forEach((item, i) => {
      const right = trouble(item);
      if (right === null) return;
      const place = items.length === 1 ? "" : ` (item ${i + 1})`;
      throw new SettingError(right, shownValue(item) + place);
    });
    return items;
  };
  return { key, fallback: "", unit, help, read };
}

export function choice(
  key: keyof Config,
  fallback: string,
  values: readonly string[],
  help: string,
): Setting {
  const named = values.filter((v) => v !== "").join("|");
  const read = (value: string) => {
    if (values.includes(value)) return value as Config[keyof Config];
    throw new SettingError(`one of ${named}`);
  };
  return { key, fallback, unit: named, help, read };
}
