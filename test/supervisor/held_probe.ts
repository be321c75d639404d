// A probe of the watchdog whose answer a test decides.
import type { ListenerProbe } from "../../src/supervisor/watchdog.ts";

export class HeldProbe implements ListenerProbe {
  state: ListenerProbe["state"] = "waiting";
  error = "";
  isOpen = true;

  close(): void {
    this.isOpen = false;
  }
}
