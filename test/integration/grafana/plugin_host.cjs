// Loads the built plugin as Grafana does, with the real @grafana/data and rxjs, and runs scenarios one after the other.
// Usage: node --expose-gc plugin_host.cjs MODULE PACKAGES. Each line of input is a scenario, and gets a line of JSON.
"use strict";
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const process = require("node:process");
const { createInterface } = require("node:readline");
const vm = require("node:vm");

const [file, packages] = process.argv.slice(2);
const load = createRequire(`${packages}/package.json`);
/** Parts of Grafana that need its server or a browser. */
const MOCKS = {
  "@grafana/runtime": {
    getTemplateSrv: () => ({ replace: (name) => name }),
  },
  "@grafana/ui": {},
};

function loadPlugin() {
  let made;
  globalThis.define = (names, make) => {
    made = make(...names.map((name) => MOCKS[name] ?? load(name)));
  };
  vm.runInThisContext(readFileSync(file, "utf8"));
  return made.plugin;
}

const nodeFetch = globalThis.fetch;

/** Node lets every page read every answer. A browser does not: this is its rule for simple requests (CORS). */
function fetchAsPageOf(origin) {
  return async (url, options) => {
    const headers = { ...options.headers, origin };
    const response = await nodeFetch(url, { ...options, headers });
    const allowed = response.headers.get("access-control-allow-origin");
    if (allowed === origin || allowed === "*") return response;
    throw new TypeError("Failed to fetch");
  };
}

const { DataSourceClass } = loadPlugin();
const { dateTime } = load("@grafana/data");

function requestOf({ fromMs, toMs, targets, maxDataPoints = 1000 }) {
  const range = { from: dateTime(fromMs), to: dateTime(toMs) };
  return { range, maxDataPoints, scopedVars: {}, targets };
}

/** The last response, once one is enough, or at the end. */
function follow(source, scenario, isEnough, onEach = () => {}) {
  return new Promise((resolve, reject) => {
    let last;
    const subscription = source.query(requestOf(scenario)).subscribe({
      next: (response) => {
        last = response;
        onEach(response);
        if (isEnough(response)) {
          setTimeout(() => {
            subscription.unsubscribe();
            resolve(last);
          });
        }
      },
      error: reject,
      complete: () => resolve(last),
    });
  });
}

const pointsOf = ({ data }) => data[0]?.length ?? 0;
const newestOf = ({ data }) => data[0]?.fields[0].values.at(-1) ?? 0;
/** Of a long stream: the most points of a picture, and memory when the limit was reached first and at the end. */
async function watch(source, scenario) {
  let pointsMost = 0;
  const heapsMb = [];
  const last = await follow(
    source,
    scenario,
    (response) => newestOf(response) >= scenario.untilMs,
    (response) => {
      const points = pointsOf(response);
      pointsMost = Math.max(pointsMost, points);
      if (points < scenario.samplesMax) return;
      globalThis.gc();
      heapsMb.push(process.memoryUsage().heapUsed / 1e6);
    },
  );
  return {
    pointsMost,
    heapFirstMb: heapsMb[0],
    heapLastMb: heapsMb.at(-1),
    pictures: heapsMb.length,
    nulls: last.data[0].fields[1].values.filter((v) => v === null).length,
  };
}

const SCENARIOS = {
  test: (source) => source.testDatasource(),
  search: (source, { text }) => source.metricFindQuery(text),
  query: (source, scenario) =>
    follow(
      source,
      scenario,
      (response) =>
        pointsOf(response) >= scenario.points ||
        newestOf(response) >= scenario.untilMs,
    ),
  watch,
};

function run(scenario) {
  const { name, url, origin, samplesMax } = scenario;
  globalThis.fetch = origin ? fetchAsPageOf(origin) : nodeFetch;
  const source = new DataSourceClass({ url, jsonData: { samplesMax } });
  return SCENARIOS[name](source, scenario);
}

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const said = await run(JSON.parse(line)).then(
      (answer) => ({ answer }),
      (error) => ({ error: String(error) }),
    );
    process.stdout.write(JSON.stringify(said) + "\n");
  }
  process.exit(0);
}

main();
