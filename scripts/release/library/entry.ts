// The library for Node: mod.ts, and what older versions of Node lack.
import { addMissingGlobals } from "../../../src/edge/node_globals.ts";

addMissingGlobals();

export * from "../../../mod.ts";
