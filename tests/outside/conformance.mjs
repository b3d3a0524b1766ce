// Runs the official conformance suite against an authorization server and signs
// in where the suite waits for a person.
//
// usage: conformance.mjs ISSUER [RESOURCE] < JOB (with Node 22 or newer)
//
// JOB is JSON: user and password, where the server asks for them. RESOURCE is the
// address of the MCP server that the token is for.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { json } from "node:stream/consumers";
import { authorize, newPage, withBrowser } from "./browser.mjs";
import { metadata, register } from "./registration.mjs";

const SUITE = new URL("node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url).pathname;
// What has to be among what it checked, with all of it a success.
const EXPECTED = ["authorization-server-metadata", "authorization-server-metadata-cimd", "authorization-code-grant"];

const [issuer, resource] = process.argv.slice(2);
const job = await json(process.stdin);
const port = await freePort();
const client = await register(await metadata(issuer), `http://127.0.0.1:${port}/callback`);
const results = await mkdtemp(path.join(tmpdir(), "conformance-"));
try {
  const suite = spawn(
    process.execPath,
    [
      ...[SUITE, "authorization", "--url", issuer, "--client-id", client.client_id, "--port", port, "--output-dir", results],
      ...(resource ? ["--resource", resource] : []),
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(suite, "close");
  for await (const line of createInterface({ input: suite.stdout })) {
    console.log(line);
    if (URL.canParse(line) && new URL(line).searchParams.has("code_challenge")) await signInAt(line);
  }
  const [code] = await ended;
  const checks = await all(results);
  const failed = checks.filter(({ status }) => status !== "SUCCESS");
  assert.deepEqual(failed, []);
  assert.equal(code, 0);
  for (const id of EXPECTED) assert.ok(checks.some((check) => check.id === id), `${id} was not checked`);
  console.log(`conformance, authorization of ${issuer}: ${checks.length} checks, all of them pass`);
} finally {
  await rm(results, { recursive: true });
}

async function signInAt(url) {
  await withBrowser(async (browser) => {
    const { page, complaints } = await newPage(browser);
    const outcome = await authorize(page, { ...job, url });
    assert.ok(outcome.redirect, JSON.stringify(outcome));
    assert.deepEqual(complaints, []);
  });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Every check of every scenario, from the suite's own files. */
async function all(folder) {
  const files = (await readdir(folder, { recursive: true })).filter((file) => path.basename(file) === "checks.json");
  const checks = await Promise.all(files.map(async (file) => JSON.parse(await readFile(path.join(folder, file)))));
  return checks.flat();
}
