// The reading thread of Qanat, which the test can break.
import { breakOnWord } from "./control_port.ts";
import "../../src/ingest.ts";

await breakOnWord(import.meta.url);
