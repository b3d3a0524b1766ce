// Takes one client through what clients live through: it lists the tools, calls one,
// cancels a call and hears that the tools changed, then all of it again after the
// server was started anew.
//
// usage: mcp_client.mjs CLIENT URL
//
// CLIENT is `sdk` or `sdk-sse` (@modelcontextprotocol/sdk), `client-legacy` or
// `client-modern` (both eras of @modelcontextprotocol/client), `mcp-remote`, or
// `inspector-http` or `inspector-sse` (the Inspector's command line). After the line
// `restart` on stdout, a line on stdin tells that the server is up again.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as v2 from "@modelcontextprotocol/client";
import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { getDefaultEnvironment, StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const SIMPLE_TEXT = "This is a simple text response for testing.";
const PATIENCE = 30_000;
// Loaded into a program that does not tell: a line on stderr once a session's stream
// is there.
const TELLS_OF_STREAMS = `
  import { subscribe } from "node:diagnostics_channel";
  subscribe("undici:request:headers", ({ request, response }) => {
    const ofSession = String(request.headers).includes("mcp-session-id");
    if (request.method === "GET" && ofSession && response.statusCode === 200) console.error("listens");
  });`;
/** What happens time and again. */
class Happening extends EventEmitter {
  count = 0;

  happened() {
    this.count += 1;
    this.emit("happened");
  }

  /** Returns once it has happened that many times. */
  async reach(times) {
    const signal = AbortSignal.timeout(PATIENCE);
    try {
      while (this.count < times) await once(this, "happened", { signal });
    } catch {
      // An error of its own tells who waited.
      throw new Error(`it happened ${this.count} times and not ${times} in ${PATIENCE} ms`);
    }
    return true;
  }
}

const [which, address] = process.argv.slice(2);
const url = new URL(address);
const identity = { name: "outside", version: "1" };
const connect = {
  sdk,
  "sdk-sse": sdkSse,
  "client-legacy": clientLegacy,
  "client-modern": clientModern,
  "mcp-remote": mcpRemote,
  "inspector-http": () => inspector("http"),
  "inspector-sse": () => inspector("sse"),
}[which];
// Instead of the person's own: settings, tokens and logs of the programs.
const home = mkdtempSync(join(tmpdir(), "mcp-client-"));
const commands = new Set();
process.on("exit", () => {
  for (const command of commands) command.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true });
});

let connection = await connect();
assert.ok(await live(connection, 1));
console.log("restart");
const input = createInterface({ input: process.stdin });
await once(input, "line");
input.close();
let survives = connection.survives ?? "survives a restart with its connection";
if (!(await live(connection, 2))) {
  await connection.close();
  connection = await connect();
  assert.ok(await live(connection, 1));
  survives = "survives a restart with its connection, but hears nothing more until it has a new one";
}
await connection.close();
const hears = connection.changes ? "hears list_changed" : "a command line hears nothing";
console.log(`${connection.name}: lists, calls, cancels, ${hears}, ${survives}`);

/** Does everything once, for that time with this connection; false if it has become deaf. */
async function live(connection, time) {
  const { list, call, changes } = connection;
  await connection.ready?.(time);
  const names = (await list()).map((tool) => tool.name);
  for (const name of ["test_simple_text", "test_wait"]) assert.ok(names.includes(name), `${name} of ${names}`);
  await callSimply(call);
  await cancel(connection);
  if (!changes) return true;
  if (!(await connection.listens(time))) return false;
  await call("test_trigger_tool_change");
  await changes.reach(time);
  await callSimply(call);
  assert.equal(changes.count, time);
  return true;
}

async function callSimply(call) {
  const { content, isError } = await call("test_simple_text");
  assert.ok(!isError);
  assert.deepEqual(content, [{ type: "text", text: SIMPLE_TEXT }]);
}

async function cancel({ call }) {
  const stop = new AbortController();
  const waiting = assert.rejects(call("test_wait", stop.signal));
  await call("test_await_waiting");
  stop.abort();
  await waiting;
  await call("test_await_cancelled");
}

/** A connection's ways with either SDK, whose calls differ. */
async function connected(name, client, transport, call, toolsChanged) {
  const changes = new Happening();
  client.setNotificationHandler(toolsChanged, () => changes.happened());
  await client.connect(transport);
  const list = async () => (await client.listTools()).tools;
  return { name: `${name.split("/").at(-1)} ${version(name)}`, list, call, changes, close: () => client.close() };
}

function withV1(transport) {
  const client = new V1Client(identity);
  const call = (name, signal) => client.callTool({ name, arguments: {} }, undefined, { signal });
  return connected("@modelcontextprotocol/sdk", client, transport, call, ToolListChangedNotificationSchema);
}

function withV2(client, transport) {
  const call = (name, signal) => client.callTool({ name, arguments: {} }, { signal });
  return connected("@modelcontextprotocol/client", client, transport, call, "notifications/tools/list_changed");
}

/** What a streamable transport needs for its streams to be seen. */
function streams() {
  const opened = new Happening();
  const ownFetch = async (address, init) => {
    const response = await fetch(address, init);
    if (init.method === "GET" && response.ok) opened.happened();
    return response;
  };
  return { options: { fetch: ownFetch }, listens: (time) => opened.reach(time) };
}

async function sdk() {
  const { options, listens } = streams();
  const transport = new V1Transport(url, options);
  const connection = await withV1(transport);
  assert.equal(transport.protocolVersion, "2025-11-25");
  return { ...connection, name: `${connection.name}, 2025-11-25`, listens };
}

async function sdkSse() {
  const transport = new SSEClientTransport(url);
  const connection = await withV1(transport);
  const endpoints = new Happening();
  endpoints.happened();
  // It tells nobody that it has a new one, and posts to the old one until then.
  transport._eventSource.addEventListener("endpoint", () => endpoints.happened());
  const ready = (time) => endpoints.reach(time);
  return { ...connection, name: `${connection.name}, SSE`, ready, listens: ready };
}

async function clientLegacy() {
  const { options, listens } = streams();
  const client = new v2.Client(identity);
  const connection = await withV2(client, new v2.StreamableHTTPClientTransport(url, options));
  assert.equal(client.getNegotiatedProtocolVersion(), "2025-11-25");
  return { ...connection, name: `${connection.name}, 2025-11-25`, listens };
}

async function clientModern() {
  const client = new v2.Client(identity, { versionNegotiation: { mode: "auto" } });
  const connection = await withV2(client, new v2.StreamableHTTPClientTransport(url));
  assert.equal(client.getNegotiatedProtocolVersion(), "2026-07-28");
  let subscription;
  const listens = async () => {
    // The server says goodbye when it stops; to listen anew is left to applications.
    if (subscription) assert.equal(await subscription.closed, "graceful");
    subscription = await client.listen({ toolsListChanged: true });
    return subscription.honoredFilter.toolsListChanged;
  };
  const survives = "survives a restart with its connection, on which it listens anew";
  return { ...connection, name: `${connection.name}, 2026-07-28`, listens, survives };
}

async function mcpRemote() {
  const opened = new Happening();
  const gaveUp = new Happening();
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program("mcp-remote/dist/proxy.js"), url.href, "--allow-http"],
    env: environment(TELLS_OF_STREAMS),
    stderr: "pipe",
  });
  createInterface({ input: transport.stderr }).on("line", (line) => {
    if (line === "listens") opened.happened();
    if (line.includes("Maximum reconnection attempts")) gaveUp.happened();
  });
  const connection = await withV1(transport);
  // A session with which it tried the server listens as well.
  const listens = (time) => Promise.race([opened.reach(2 * time), gaveUp.reach(1).then(() => false)]);
  return { ...connection, name: `mcp-remote ${version("mcp-remote")}`, listens };
}

async function inspector(transport) {
  const launcher = program("@modelcontextprotocol/inspector/clients/launcher/build/index.js");
  const always = [launcher, "--cli", url.href, "--transport", transport, "--stored-auth-only"];
  const run = (args, signal) =>
    new Promise((resolve, reject) => {
      const options = { env: environment(), signal, killSignal: "SIGINT", timeout: PATIENCE };
      const ended = (error, stdout) => (error ? reject(error) : resolve(JSON.parse(stdout)));
      const command = execFile(process.execPath, [...always, ...args], options, ended);
      commands.add(command);
      command.on("exit", () => commands.delete(command));
    });
  return {
    name: `inspector ${version("@modelcontextprotocol/inspector")}, ${transport}`,
    list: async () => (await run(["--method", "tools/list"])).tools,
    call: (name, signal) => run(["--method", "tools/call", "--tool-name", name], signal),
    close: () => {},
    survives: "does it again after a restart",
  };
}

/** The environment of a program, which loads that module first. */
function environment(source = "") {
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(source)}`;
  return { ...getDefaultEnvironment(), HOME: home, MCP_REMOTE_CONFIG_DIR: home, NODE_OPTIONS };
}

function program(path) {
  return fileURLToPath(new URL(`node_modules/${path}`, import.meta.url));
}

function version(name) {
  return JSON.parse(readFileSync(program(`${name}/package.json`), "utf8")).version;
}
