// The settings that a thread gets, where one reads and several serve.
// Invariant: no thread that serves has what it takes to sign in at Kafka or at an upstream: packages that parse requests run there.
import type { Config } from "../config.ts";

/** For a thread that serves. It still has the addresses of the brokers, which people are shown. */
export function servingConfig(config: Config): Config {
  return {
    ...config,
    kafkaCa: "",
    kafkaCert: "",
    kafkaKey: "",
    kafkaSasl: "",
    kafkaUser: "",
    kafkaPassword: "",
    kafkaTokenFile: "",
    upstreamToken: "",
    upstreamTokenFile: "",
    topics: "",
    upstreamCa: "",
  };
}
