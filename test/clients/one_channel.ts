// The one channel of tests that need no other, whose samples count its rows, and the row at which they begin.
import { embeddedChannels } from "../../src/source/synthetic.ts";

export const FIRST = 23_671_510_000;
export const STRIDE_NS = 62_500_000n;
export const NAME = "H1:QANAT-COUNT_I64_16";
export const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === NAME
);
