// What all encoders of a process share.
// Invariant: nothing in it belongs to one selection.
import { BatchTemplates } from "../arrow/row_template.ts";
import { ChannelNotes } from "../channels/channel_notes.ts";
import type { Slab } from "../memory/slab.ts";
import { ColumnCaches } from "./column_caches.ts";
import { GzipBody } from "./gzip_body.ts";
import { RowPlans } from "./row_plan.ts";
import { Scratch } from "./scratch.ts";
import { TextArena } from "./text_arena.ts";

/** Memory, plans and caches of encoders. One per process. */
export class EncodingContext {
  /** Where frames are claimed. */
  readonly slab: Slab;
  readonly scratch: Scratch;
  readonly gzipBody = new GzipBody();
  readonly arena: TextArena;
  readonly plans = new RowPlans();
  readonly caches: ColumnCaches;
  readonly templates = new BatchTemplates();
  /** Units and descriptions for the beginnings of streams. */
  readonly notes: ChannelNotes;

  constructor(slab: Slab, notes: ChannelNotes = new ChannelNotes()) {
    this.slab = slab;
    this.notes = notes;
    this.scratch = new Scratch(slab.allocations);
    this.arena = new TextArena(slab.allocations);
    this.caches = new ColumnCaches(this.arena);
  }
}
