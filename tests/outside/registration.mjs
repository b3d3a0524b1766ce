// A client that registers, without an SDK between it and the server.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

/** The metadata of an issuer (RFC 8414). */
export async function metadata(issuer) {
  const { origin, pathname } = new URL(issuer);
  const response = await fetch(`${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, "")}`);
  assert.equal(response.status, 200, response.url);
  return response.json();
}

/** Registers a public client (RFC 7591). */
export async function register({ registration_endpoint }, redirectUri, name = "Outside") {
  const response = await fetch(registration_endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: name, redirect_uris: [redirectUri], token_endpoint_auth_method: "none" }),
  });
  assert.equal(response.status, 201, await response.clone().text());
  return response.json();
}

/** The address of an authorization request (RFC 6749 §4.1.1, RFC 7636). */
export function authorizationUrl({ authorization_endpoint }, { client_id, redirect_uris }, changes = {}) {
  const url = new URL(authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id,
    redirect_uri: redirect_uris[0],
    state: randomBytes(16).toString("base64url"),
    code_challenge: createHash("sha256").update(randomBytes(32).toString("base64url")).digest("base64url"),
    code_challenge_method: "S256",
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
