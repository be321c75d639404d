// The jars of Apache Kafka, from Maven Central.
// Invariant: of processes that need them at the same time one downloads them, and the others wait for it.
import { run } from "./programs.ts";

export const KAFKA_VERSION = "4.1.1";
const LIBS = new URL("../../.qanat/kafka/libs", import.meta.url).pathname;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>qanat</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

const STAMP = `${LIBS}/${KAFKA_VERSION}.ok`;

/** Downloads the jars, unless they are here already. Returns their folder. */
export async function fetchKafka(): Promise<string> {
  if (await isFetched()) return LIBS;
  await Deno.mkdir(LIBS, { recursive: true });
  const path = `${LIBS}/lock`;
  // Closing it unlocks it, as the end of the process does.
  using lock = await Deno.open(path, { create: true, write: true });
  await lock.lock(true);
  return await isFetched() ? LIBS : await download();
}

async function isFetched(): Promise<boolean> {
  try {
    await Deno.stat(STAMP);
    return true;
  } catch {
    return false;
  }
}

async function download(): Promise<string> {
  await Deno.writeTextFile(`${LIBS}/pom.xml`, POM);
  const args = [
    "-q",
    "-B",
    "dependency:copy-dependencies",
    `-DoutputDirectory=${LIBS}`,
  ];
  let last = "";
  for (let attempt = 0; attempt < 3; attempt++) {
    const { ok, text } = await run("mvn", args, LIBS);
    last = text;
    if (!ok) continue;
    await Deno.writeTextFile(STAMP, "");
    return LIBS;
  }
  throw new Error(`Maven could not download Kafka ${KAFKA_VERSION}: ${last}`);
}
