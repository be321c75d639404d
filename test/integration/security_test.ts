// TLS with a private authority and every SASL mechanism, against a real broker.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { type KafkaBroker, startKafka } from "../../scripts/kafka/broker.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { kafkaSourceOf } from "../../src/source/kafka_settings.ts";
import type { KafkaSource } from "../../src/source/kafka_source.ts";
import type { Config } from "../../src/config.ts";
import { configWith, silent } from "../driven_source.ts";
import { freePort, PARTS } from "./chain.ts";

const runnable = canRun([PARTS.kafka]);
const USER = "qanat";
const PASSWORD = "well-kept";

async function openssl(dir: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", {
    args,
    cwd: dir,
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** A token that brokers without a token service accept: unsigned, for one hour from now. */
function unsecuredToken(): string {
  const part = (value: unknown) =>
    Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: "none" })}.${
    part({ sub: USER, iat: now, exp: now + 3600 })
  }.`;
}

describe(
  "KafkaSource over TLS and SASL",
  { ignore: !runnable, skip: !runnable },
  () => {
    let broker: KafkaBroker;
    let dir: string;
    let address: string;
    /** What the log said last. */
    let lastError = "";

    before(async () => {
      dir = await Deno.makeTempDir({ prefix: "qanat-security-" });
      await openssl(
        dir,
        ..."req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=qanat-test-ca"
          .split(" "),
      );
      await openssl(
        dir,
        ..."req -newkey rsa:2048 -nodes -keyout broker.key -out broker.csr -subj /CN=localhost"
          .split(" "),
      );
      await Deno.writeTextFile(
        `${dir}/san`,
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
      );
      await openssl(
        dir,
        ..."x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out broker.pem -days 2 -extfile san"
          .split(" "),
      );
      const keystore = await Deno.readTextFile(`${dir}/broker.key`) +
        await Deno.readTextFile(`${dir}/broker.pem`);
      await Deno.writeTextFile(`${dir}/keystore.pem`, keystore);
      await Deno.writeTextFile(`${dir}/token`, unsecuredToken() + "\n");
      const port = freePort();
      const secure = freePort();
      address = `localhost:${secure}`;
      const scram =
        "org.apache.kafka.common.security.scram.ScramLoginModule required;";
      broker = await startKafka({
        port,
        dir: `${dir}/kafka`,
        formatArgs: ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
          "--add-scram",
          `${mechanism}=[name=${USER},password=${PASSWORD}]`,
        ]),
        props: {
          "listeners":
            `PLAINTEXT://127.0.0.1:${port},SASL_SSL://127.0.0.1:${secure},CONTROLLER://127.0.0.1:${
              port + 1
            }`,
          "advertised.listeners":
            `PLAINTEXT://127.0.0.1:${port},SASL_SSL://${address}`,
          "listener.security.protocol.map":
            "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
          "inter.broker.listener.name": "PLAINTEXT",
          "ssl.keystore.type": "PEM",
          "ssl.keystore.location": `${dir}/keystore.pem`,
          "sasl.enabled.mechanisms":
            "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
          "listener.name.sasl_ssl.plain.sasl.jaas.config":
            `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`,
          "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": scram,
          "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": scram,
          "listener.name.sasl_ssl.oauthbearer.sasl.jaas.config":
            `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="${USER}";`,
        },
      });
    });

    after(async () => {
      await broker?.stop();
      if (dir) await Deno.remove(dir, { recursive: true });
    });

    async function reaches(changes: Partial<Config>): Promise<boolean> {
      const source: KafkaSource = await kafkaSourceOf(
        configWith({
          kafka: [address],
          kafkaCa: `${dir}/ca.pem`,
          kafkaUser: USER,
          kafkaPassword: PASSWORD,
          readyGraceMs: 5000,
          ...changes,
        }),
        new Catalog(),
        {
          ...silent,
          warn: (_, fields) => lastError = String(fields?.error),
        },
      );
      await source.start({
        onMessage: () => {},
        onCaughtUp: () => {},
        onDisturbed: () => {},
        onHole: () => {},
        onRestart: () => {},
        onLost: () => {},
      });
      const { reachable, ready } = source.status();
      await source.close();
      return reachable && ready;
    }

    for (
      const kafkaSasl of ["plain", "scram-sha-256", "scram-sha-512"] as const
    ) {
      it(`${kafkaSasl} with the right password is let in, with a wrong one not`, async () => {
        assert.equal(await reaches({ kafkaSasl }), true);
        assert.equal(await reaches({ kafkaSasl, kafkaPassword: "x" }), false);
        assert.match(lastError, /auth/i);
      });
    }

    it("oauthbearer takes its token from a file", async () => {
      const kafkaSasl = "oauthbearer";
      const kafkaTokenFile = `${dir}/token`;
      assert.equal(
        await reaches({ kafkaSasl, kafkaTokenFile }),
        true,
        lastError,
      );
      assert.equal(
        await reaches({ kafkaSasl, kafkaTokenFile: `${dir}/missing` }),
        false,
      );
    });

    it("reaches a broker by its IP address, which the certificate names", async () => {
      const kafka = [address.replace("localhost", "127.0.0.1")];
      assert.equal(
        await reaches({ kafkaSasl: "plain", kafka }),
        true,
        lastError,
      );
    });

    it("does not talk to a broker whose authority is not trusted", async () => {
      assert.equal(
        await reaches({ kafkaSasl: "plain", kafkaTls: true, kafkaCa: "" }),
        false,
      );
    });
  },
);
