// nginx with nchan, one worker, on a port of its own, and a publisher that posts 16 messages a second to it.
// Invariant: nothing outside its directory is read or written; it is ended by its process id.
import { freePort, Process, sleep } from "../../test/integration/chain.ts";
import { childrenOf } from "./process_cpu.ts";
import { ROWS_PER_SECOND } from "../scale/world.ts";

const NGINX = "/usr/sbin/nginx";
const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";
const WORKER_WAIT_MS = 10_000;
/** Subscribers come with the newest message, and no backlog is kept beyond a second. */
const BUFFER_MESSAGES = ROWS_PER_SECOND;

export interface Nchan {
  readonly port: number;
  readonly workerPid: number;
  stop(): Promise<void>;
}

/** Whether nginx and the module are on this machine. */
export function hasNchan(): boolean {
  try {
    return Deno.statSync(NGINX).isFile && Deno.statSync(MODULE).isFile;
  } catch {
    return false;
  }
}

function configOf(directory: string, port: number): string {
  const subscriber = (kind: string) => `
    location = /${kind} {
      nchan_subscriber ${kind};
      nchan_channel_id fan;
      nchan_subscriber_first_message newest;
      nchan_subscriber_http_raw_stream_separator "";
    }`;
  return `
load_module ${MODULE};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log warn;
events { worker_connections 16000; use epoll; multi_accept on; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_timeout 600s;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  client_body_buffer_size 64k;
  nchan_shared_memory_size 128m;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /publish {
      nchan_publisher;
      nchan_channel_id fan;
      nchan_message_buffer_length ${BUFFER_MESSAGES};
      nchan_message_timeout 5s;
    }${subscriber("http-chunked")}${subscriber("http-raw-stream")}
  }
}
`;
}

/** Starts nginx and publishes bodies of this size, each beginning with int64 little-endian Unix ns. */
export async function startNchan(
  options: { directory: string; bodyBytes: number },
): Promise<Nchan> {
  const directory = await Deno.makeTempDir({
    dir: options.directory,
    prefix: "nginx-",
  });
  // Its worker runs as another user.
  await Deno.chmod(options.directory, 0o755);
  await Deno.chmod(directory, 0o755);
  const port = freePort();
  const file = `${directory}/nginx.conf`;
  await Deno.writeTextFile(file, configOf(directory, port));
  const nginx = new Process("nginx", NGINX, ["-p", directory, "-c", file]);
  let isOn = true;
  let publishing = Promise.resolve();
  const stop = async () => {
    isOn = false;
    await publishing;
    await nginx.stop();
  };
  try {
    const workerPid = await workerOf(nginx);
    publishing = publish(port, options.bodyBytes, () => isOn);
    return { port, workerPid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function workerOf(nginx: Process): Promise<number> {
  const endMs = Date.now() + WORKER_WAIT_MS;
  while (Date.now() < endMs) {
    const [worker] = childrenOf(nginx.pid);
    if (worker !== undefined) return worker;
    await sleep(50);
  }
  throw new Error(`nginx has no worker: ${nginx.log}`);
}

async function publish(port: number, bodyBytes: number, isOn: () => boolean) {
  const body = new Uint8Array(bodyBytes).fill(113);
  const view = new DataView(body.buffer);
  const periodMs = 1000 / ROWS_PER_SECOND;
  const beganMs = performance.now();
  for (let index = 1; isOn(); index++) {
    await sleep(Math.max(0, beganMs + index * periodMs - performance.now()));
    const unixMs = performance.timeOrigin + performance.now();
    view.setBigInt64(0, BigInt(Math.round(unixMs * 1e6)), true);
    try {
      const response = await fetch(`http://127.0.0.1:${port}/publish`, {
        method: "POST",
        body,
      });
      await response.body?.cancel();
    } catch {
      await sleep(50); // not listening yet
    }
  }
}
