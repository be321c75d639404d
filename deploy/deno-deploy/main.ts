// The entry point of an app of Deno Deploy, which runs the repository without flags: Qanat as a relay of QANAT_UPSTREAM.
import { edge } from "../../src/edge.ts";

Deno.serve(edge.fetch);
