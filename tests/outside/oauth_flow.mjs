// Walks from a stranger to a tool call with the official TypeScript SDKs.
//
// usage: oauth_flow.mjs sdk|client-legacy|client-modern URL < JOB
//
// `sdk` is @modelcontextprotocol/sdk, the others are both eras of
// @modelcontextprotocol/client. JOB is JSON: user and password, where the server
// asks for them, and client_metadata_url, the client_id of a client that does not
// register. A browser signs in and allows; then the access token is revoked, so
// that the client has to refresh.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import * as v2 from "@modelcontextprotocol/client";
import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { authorize, newPage, withBrowser } from "./browser.mjs";

// What a revocation may take until it is felt everywhere.
const FELT_WITHIN = 1_000;

const [which, address] = process.argv.slice(2);
const job = await json(process.stdin);
const url = new URL(address);
const identity = { name: "outside", version: "1" };
const [newClient, Transport, revision, name] = {
  sdk: [() => new V1Client(identity), V1Transport, "2025-11-25", "sdk"],
  "client-legacy": [() => new v2.Client(identity), v2.StreamableHTTPClientTransport, "2025-11-25", "client"],
  "client-modern": [
    () => new v2.Client(identity, { versionNegotiation: { mode: "auto" } }),
    v2.StreamableHTTPClientTransport,
    "2026-07-28",
    "client",
  ],
}[which];

// The client's own little server, where the browser brings the code.
let arrive;
const arrived = new Promise((resolve) => (arrive = resolve));
const callback = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
  if (pathname === "/callback") arrive(searchParams);
  response.setHeader("Content-Type", "text/html").end("<!doctype html><title>Done</title><h1>Done</h1>");
}).listen(0, "127.0.0.1");
await once(callback, "listening");
const redirectUrl = `http://127.0.0.1:${callback.address().port}/callback`;

// What the client keeps.
const kept = { visits: [] };
const authProvider = {
  redirectUrl,
  clientMetadataUrl: job.client_metadata_url,
  clientMetadata: { client_name: "Outside", redirect_uris: [redirectUrl], token_endpoint_auth_method: "none" },
  state: () => (kept.state = randomUUID()),
  clientInformation: () => kept.client,
  saveClientInformation: (client) => (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => (kept.tokens = tokens),
  saveCodeVerifier: (verifier) => (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  discoveryState: () => kept.discovery,
  saveDiscoveryState: (discovery) => (kept.discovery = discovery),
  redirectToAuthorization: (to) => void kept.visits.push(to.href),
};
const requests = [];
const options = {
  authProvider,
  fetch: async (...request) => {
    const response = await fetch(...request);
    requests.push(`${request[1]?.method ?? "GET"} ${new URL(request[0]).pathname} ${response.status}`);
    return response;
  },
};

const first = new Transport(url, options);
await assert.rejects(newClient().connect(first), /Unauthorized/);
assert.equal(kept.visits.length, 1);
await withBrowser(async (browser) => {
  const { page, complaints } = await newPage(browser);
  const outcome = await authorize(page, { ...job, url: kept.visits[0] });
  assert.ok(outcome.redirect, JSON.stringify(outcome));
  assert.deepEqual(complaints, []);
});
const answer = await arrived;
callback.close();
assert.equal(answer.get("state"), kept.state);
assert.equal(answer.get("iss"), kept.discovery.authorizationServerMetadata.issuer);
await (name === "sdk" ? first.finishAuth(answer.get("code")) : first.finishAuth(answer));

const transport = new Transport(url, options);
const client = newClient();
await client.connect(transport);
assert.equal(transport.protocolVersion ?? client.getNegotiatedProtocolVersion(), revision);
await check();
const before = kept.tokens;
assert.ok(before.refresh_token && before.expires_in > 0, JSON.stringify({ ...before, access_token: "", refresh_token: "" }));
assert.ok(before.scope.split(" ").includes("mcp:read"), before.scope);
await revoke(before.access_token);
await check();
assert.notEqual(kept.tokens.access_token, before.access_token, "the access token was not refreshed");
assert.notEqual(kept.tokens.refresh_token, before.refresh_token, "the refresh token was not rotated");
await client.close();

assert.equal(kept.visits.length, 1, "the person was asked again");
assert.ok(requests[0].endsWith(" 401"), requests[0]);
assert.equal(requests.filter((request) => request.endsWith("/token 200")).length, 2, requests.join("\n"));
const registered = requests.filter((request) => request.includes("/register "));
if (job.client_metadata_url) {
  assert.equal(kept.client.client_id, job.client_metadata_url);
  assert.deepEqual(registered, []);
} else {
  assert.equal(registered.length, 1);
  assert.ok(registered[0].endsWith(" 201"), registered[0]);
}
const { version } = JSON.parse(readFileSync(new URL(`node_modules/@modelcontextprotocol/${name}/package.json`, import.meta.url)));
const how = job.client_metadata_url ? "metadata document" : "registration";
console.log(`${name} ${version}, ${revision}, ${how}: signed in, called, revoked, refreshed, called`);

async function check() {
  const { tools } = await client.listTools();
  assert.ok(tools.some((tool) => tool.name === "execute_sql"));
  const result = await client.callTool({ name: "execute_sql", arguments: { query: "SELECT 42 AS answer" } });
  assert.deepEqual(result.structuredContent?.results, [{ answer: 42 }], JSON.stringify(result));
}

/** Revokes the access token alone (RFC 7009) and waits until it is felt. */
async function revoke(token) {
  const endpoint = kept.discovery.authorizationServerMetadata.revocation_endpoint;
  const body = new URLSearchParams({ token, client_id: kept.client.client_id });
  assert.equal((await fetch(endpoint, { method: "POST", body })).status, 200);
  const since = Date.now();
  const probe = () => fetch(url, { method: "POST", headers: { Authorization: `Bearer ${token}` }, body: "{}" });
  for (;;) {
    const { status } = await probe();
    if (status === 401) break;
    assert.ok(Date.now() - since < FELT_WITHIN, `a revoked token was still answered ${status} after ${FELT_WITHIN} ms`);
    await sleep(20);
  }
}
