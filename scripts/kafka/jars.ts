// The jars of Apache Kafka, from Maven Central.
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

/** Downloads the jars, unless they are here already. Returns their folder. */
export async function fetchKafka(): Promise<string> {
  const stamp = `${LIBS}/${KAFKA_VERSION}.ok`;
  try {
    await Deno.stat(stamp);
    return LIBS;
  } catch {
    await Deno.mkdir(LIBS, { recursive: true });
  }
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
    await Deno.writeTextFile(stamp, "");
    return LIBS;
  }
  throw new Error(`Maven could not download Kafka ${KAFKA_VERSION}: ${last}`);
}
