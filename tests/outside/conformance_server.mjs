// Runs the official conformance suite against an MCP server: every scenario of
// one revision, and what has to fail does.
//
// usage: conformance_server.mjs URL REVISION (with Node 22 or newer)
//
// With MCP_TOKEN in the environment the suite, which has no way to send one, goes
// through a proxy that adds it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const SUITE = new URL("node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url).pathname;
const EXPECTED_FAILURES = new URL("conformance-expected.yml", import.meta.url).pathname;

const [url, revision] = process.argv.slice(2);
const token = process.env.MCP_TOKEN;
const proxy = token ? await addingTo(new URL(url)) : undefined;
const results = await mkdtemp(path.join(tmpdir(), "conformance-"));
try {
  const target = proxy ? `http://localhost:${proxy.address().port}${new URL(url).pathname}` : url.replace("127.0.0.1", "localhost");
  const options = ["--url", target, "--suite", "all", "--spec-version", revision, "--expected-failures", EXPECTED_FAILURES, "--output-dir", results];
  const suite = spawn(process.execPath, [SUITE, "server", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(suite, "close");
  let passed = 0;
  for await (const line of createInterface({ input: suite.stdout })) {
    // One line a scenario; its details are many more.
    if (/^[✓✗]|passed|failed|nexpected|baseline|^ +[✓✗~]/.test(line)) console.log(line);
    if (line.startsWith("✓")) passed += 1;
  }
  const [code] = await ended;
  assert.equal(code, 0, "a scenario failed that should pass, or passes that is listed as a failure");
  assert.ok(passed > 0, "no scenario ran");
  console.log(`conformance, ${revision}${token ? ", with a token" : ""}: ${passed} scenarios pass`);
} finally {
  proxy?.close();
  proxy?.closeAllConnections();
  await rm(results, { recursive: true });
}

/** A proxy in front of `server` that adds the token and changes nothing else. */
async function addingTo(server) {
  const proxy = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
    const { method, url: path } = incoming;
    const onward = request({ host: server.hostname, port: server.port, method, path, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode, reply.rawHeaders);
      outgoing.flushHeaders();
      reply.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return proxy;
}
