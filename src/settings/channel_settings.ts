// Settings: what is known about channels besides what their publishers say.
import { file } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** Notes about channels. */
export interface ChannelSettings {
  /** Path of a file of units, descriptions and ranges; empty for none. */
  readonly channelNotes: string;
}

export const CHANNEL_SETTINGS = {
  channelNotes: file("JSON of units, descriptions and ranges of channels"),
} satisfies SettingsOf<ChannelSettings>;
