// The files of src/clients are on floors (docs/decisions/0033): a file imports only from lower floors, or from files
// before it on its own floor.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { codeOf, modulesIn, targetsIn } from "../source_imports.ts";

const FOLDER = "src/clients/";
/** From the lowest floor up. */
const FLOORS = [
  // No knowledge of clients.
  "rotation end_reason outlet event_loop_rounds scheduler client_list",
  "refusals client_options client_log usage_entry client_search client_books lost_span row_limits",
  "live_queue live_lanes close_queue admission_queue permit reservation",
  // One client, and what it has in common with others.
  "client_phase client selection_group",
  // How clients begin and end.
  "lifecycle end_by_id slab_shortage drain_window stream_age row_runs",
  // What feeds them.
  "permit_line permit_exchange permits history_window history_read feed_rows history_feed running_feeds",
  "stalled_client history_turns resume_window history_feeds",
  "catch_up start_position live_delivery hand_out",
  "client_monitor selection_groups",
  // Who is admitted.
  "needs_history admission settled_ranges admission_control client_figures",
  // The wiring.
  "client_hub",
].flatMap((floor) => floor.split(" "));

describe("the files of src/clients", () => {
  it("are all on a floor", () => {
    const files = [...modulesIn(FOLDER)].map(nameOf);
    assert.deepEqual([...FLOORS].sort(), files.sort());
  });

  it("import only from lower floors", () => {
    for (const [floor, name] of FLOORS.entries()) {
      const file = `${FOLDER}${name}.ts`;
      for (const target of targetsIn(codeOf(file), file)) {
        if (!target.startsWith(FOLDER)) continue;
        const below = FLOORS.indexOf(nameOf(target));
        assert.ok(below < floor, `${file} imports ${target} from above`);
      }
    }
  });
});

function nameOf(file: string): string {
  return file.slice(FOLDER.length).replace(/\.ts$/, "");
}
