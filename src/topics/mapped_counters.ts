// What is counted of all mapped topics.

/** Each message, row and sample is counted once, also where it is read several times. */
export interface MappedCounters {
  topics_messages: number;
  topics_bad_messages: number;
  topics_blocks: number;
  /** Rows that are in no block. */
  topics_skipped_rows: number;
  topics_schema_changes: number;
  /** Messages whose types differ from those that were accepted less than 10 s before. */
  topics_schemas_too_soon: number;
}

export function newMappedCounters(): MappedCounters {
  return {
    topics_messages: 0,
    topics_bad_messages: 0,
    topics_blocks: 0,
    topics_skipped_rows: 0,
    topics_schema_changes: 0,
    topics_schemas_too_soon: 0,
  };
}
