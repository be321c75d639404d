// One JSON object of a token file or a policy, read field by field.
// Invariant: a field that is not known is an error; an error names the entry, and never shows a hash or a token.

/** An entry that is wrong: which one, and what would be right. */
export class EntryError extends Error {
  override name = "EntryError";
}

/** What a field may be called, and no token and no hash is. */
const FIELD_NAME = /^[a-z_]{1,30}$/;

/** An object whose fields are all known. */
export class Entry {
  /** Names the entry in errors. */
  where: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  /** Throws {@linkcode EntryError}. */
  constructor(value: unknown, where: string, known: readonly string[]) {
    this.where = where;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new EntryError(`${where} must be an object`);
    }
    this.#fields = value as Readonly<Record<string, unknown>>;
    const name = Object.keys(value).find((each) => !known.includes(each));
    if (name !== undefined) {
      // A token may have been pasted in its place.
      const shown = FIELD_NAME.test(name) ? ` '${name}'` : "";
      throw this.error(
        `has an unknown field${shown}; it may have only the fields ${
          known.join(", ")
        }`,
      );
    }
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  /** Any JSON value. */
  raw(name: string): unknown {
    return this.#fields[name];
  }

  /** Text that `isRight` accepts. */
  text(
    name: string,
    isRight: (text: string) => boolean,
    right: string,
  ): string {
    const value = this.#fields[name];
    if (typeof value === "string" && isRight(value)) return value;
    throw this.error(`needs '${name}': ${right}`);
  }

  /** A whole number; undefined where the field is absent. */
  whole(name: string, min: number, max: number): number | undefined {
    const value = this.#fields[name];
    if (value === undefined) return undefined;
    const isWhole = typeof value === "number" && Number.isInteger(value);
    if (isWhole && value >= min && value <= max) return value;
    throw this.error(`'${name}' must be a whole number from ${min} to ${max}`);
  }

  /** True or false; false where the field is absent. */
  flag(name: string): boolean {
    const value = this.#fields[name] ?? false;
    if (typeof value === "boolean") return value;
    throw this.error(`'${name}' must be true or false`);
  }

  /** A list; `required` lists must be there. */
  list(name: string, max: number): readonly unknown[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw this.error(`'${name}' must be a list`);
    if (value.length <= max) return value;
    throw this.error(
      `'${name}' has ${value.length} items, at most ${max} are allowed`,
    );
  }

  error(message: string): EntryError {
    return new EntryError(`${this.where}: ${message}`);
  }
}
