// A session over HTTP/2 through a proxy: its stream begins at once, stays up while
// nothing happens, and brings what happens then.
//
// usage: proxied_stream.mjs URL
//
// IDLE_SECONDS is how long nothing happens: 0, or 600 for a proxy that is to be trusted
// with it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";

// Over a loopback address; a proxy that collects what it passes on takes far longer.
const AT_ONCE = 1_000;
const PATIENCE = 10_000;

const url = new URL(process.argv[2]);
const idle = Number(process.env.IDLE_SECONDS ?? 0);
const session = connect(url.origin);
await once(session, "connect");
assert.equal(session.alpnProtocol, "h2");
assert.match(session.socket.getProtocol(), /^TLSv1\.[23]$/);

const begun = await post({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "outside", version: "1" } },
});
const ofSession = { "mcp-session-id": begun.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25" };
assert.ok(ofSession["mcp-session-id"], JSON.stringify(begun));
await post({ jsonrpc: "2.0", method: "notifications/initialized" }, ofSession, 202);

const asked = performance.now();
const stream = session.request({ ":path": url.pathname, accept: "text/event-stream", ...ofSession });
const arrivals = [];
let text = "";
let ended = false;
stream.setEncoding("utf8");
stream.on("data", (part) => {
  arrivals.push(performance.now());
  text += part;
});
stream.on("close", () => (ended = true));
const [headers] = await once(stream, "response", { signal: AbortSignal.timeout(PATIENCE) });
assert.equal(headers[":status"], 200);
assert.match(headers["content-type"], /^text\/event-stream/);
await until(() => arrivals.length > 0, PATIENCE);
const first = arrivals[0] - asked;
assert.ok(first < AT_ONCE, `the first byte came after ${first} ms`);

await sleep(idle * 1_000);
assert.ok(!ended, "the stream ended");
const comments = arrivals.length;
// The server says that it is there every 15 s.
assert.ok(comments > Math.floor(idle / 16), `${comments} arrivals in ${idle} s`);
let longest = 0;
for (let at = 1; at < arrivals.length; at += 1) longest = Math.max(longest, arrivals[at] - arrivals[at - 1]);

const told = performance.now();
const call = { name: "test_trigger_tool_change", arguments: {} };
await post({ jsonrpc: "2.0", id: 2, method: "tools/call", params: call }, ofSession);
await until(() => text.includes("notifications/tools/list_changed"), PATIENCE);
const heard = performance.now() - told;
session.close();
stream.close();
console.log(
  `HTTP/2: first byte after ${first.toFixed(1)} ms, ${idle} s idle with ${comments} arrivals ` +
    `(at most ${(longest / 1_000).toFixed(1)} s apart), then a change was heard after ${heard.toFixed(1)} ms`,
);

/** One request; its reply as JSON. */
async function post(message, more = {}, status = 200) {
  const request = session.request({
    ":method": "POST",
    ":path": url.pathname,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...more,
  });
  request.setEncoding("utf8");
  request.end(JSON.stringify(message));
  const [headers] = await once(request, "response", { signal: AbortSignal.timeout(PATIENCE) });
  let body = "";
  for await (const part of request) body += part;
  assert.equal(headers[":status"], status, body);
  return { headers, body };
}

async function until(happened, patience) {
  const deadline = performance.now() + patience;
  while (!happened()) {
    assert.ok(performance.now() < deadline, `not within ${patience} ms: ${text}`);
    await sleep(1);
  }
}
