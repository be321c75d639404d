// The rights of a reader with a token, for tests of what is said about clients.
import type { ClientRights } from "../../src/clients/client_options.ts";

export const ALICE: ClientRights = {
  owner: "token:alice",
  account: "token:alice",
  shares: {},
  lost: () => null,
};
