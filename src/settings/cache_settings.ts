// Settings: what caches in front of an instance, and in browsers, may keep.
import { whole } from "./readers.ts";
import { type Setting, SettingError, type SettingsOf } from "./setting.ts";

/** Answers that caches may keep. */
export interface CacheSettings {
  /** 0: none may be kept. */
  readonly cacheMaxAgeS: number;
  /** Changes all ETags: give other data with the same names and times another key. */
  readonly cacheKey: string;
}

const KEY_LENGTH_MAX = 64;

function key(help: string): Setting<string> {
  const read = (value: string) => {
    if (value.length <= KEY_LENGTH_MAX) return value;
    throw new SettingError(`a text of at most ${KEY_LENGTH_MAX} characters`);
  };
  return { preset: "", unit: "TEXT", help, read };
}

export const CACHE_SETTINGS = {
  cacheMaxAgeS: whole({
    unit: "s",
    preset: 86_400,
    min: 0,
    max: 31_536_000,
    help:
      "how long caches may keep the answer to a settled range; 0: no answer may be kept",
  }),
  cacheKey: key(
    "part of every ETag; change it when other data has the same names and times",
  ),
} satisfies SettingsOf<CacheSettings>;
