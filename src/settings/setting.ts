// What a setting is: its text in `--help`, its default, and how its value is read.

/** A setting whose value has the type T. */
export interface Setting<T> {
  /** The value as text where neither a flag nor a variable gives one. */
  readonly preset: string;
  /** The value's placeholder in `--help`: a unit (`ms`), the words to choose from, `TEXT`; `flag`: it needs no value. */
  readonly unit: string;
  /** What it limits or chooses, for `--help`. */
  readonly help: string;
  /** No message shows its value. */
  readonly isSecret?: boolean;
  /** Throws {@linkcode SettingError}. */
  readonly read: (text: string) => T;
}

/** A table with a setting for each field of T, and no other: a forgotten one does not compile. */
export type SettingsOf<T> = {
  readonly [Name in keyof T]-?: Setting<T[Name]>;
};

/** A value that is refused: what would be right, and what was wrong where that is not the whole value. */
export class SettingError extends Error {
  readonly wrong: string | null;

  constructor(right: string, wrong: string | null = null) {
    super(right);
    this.wrong = wrong;
  }
}
