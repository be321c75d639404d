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
  /** The value is the path of a file that the service reads or writes. It has no permission for any other file. */
  readonly path?: "read" | "write";
  /** Whom the service connects to because of this value. It has no permission to connect to anyone else. */
  connects?(value: T): Connections;
  /** Throws {@linkcode SettingError}. */
  readonly read: (text: string) => T;
}

/** Whom the service connects to because of a setting. */
export interface Connections {
  /** `HOST:PORT`; empty when the setting is off. */
  readonly addresses: readonly string[];
  /** Why it also connects to addresses that no setting names; null when it does not. */
  readonly others: string | null;
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
