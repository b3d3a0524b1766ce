// An OpenID provider as companies run them: oidc-provider on loopback.
//
// usage: oidc_provider.mjs < JOB (with Node 22 or newer)
//
// JOB is one line of JSON: client_id and client_secret of the product; callback,
// the path where it takes people back; claims_in, where it says who somebody is:
// "id_token" as Entra ID and Okta do, or "userinfo" alone; accounts, each with
// sub, email, password and groups. Prints {"issuer": URL} and serves until its
// standard input ends.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import Provider, { interactionPolicy } from "oidc-provider";

const lines = createInterface({ input: process.stdin });
const [line] = await once(lines, "line");
lines.on("close", () => process.exit(0));
const { client_id, client_secret, callback, claims_in, accounts } = JSON.parse(line);

const server = createServer().listen(0, "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;

const policy = interactionPolicy.base();
policy.get("consent").checks.remove("native_client_prompt");
const provider = new Provider(issuer, {
  clients: [
    {
      client_id,
      client_secret,
      // Of a native one it ignores the port of loopback addresses, which the
      // product under test does not know yet.
      application_type: "native",
      redirect_uris: [`http://127.0.0.1${callback}`, `http://localhost${callback}`],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  jwks: { keys: [signingKey()] },
  cookies: { keys: [randomBytes(32).toString("base64url")] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  conformIdTokenClaims: claims_in === "userinfo",
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username", "groups"] },
  interactions: { url: (_, { uid }) => `/interaction/${uid}`, policy },
  findAccount: (_, sub) => {
    const account = accounts.find((account) => account.sub === sub);
    return account && { accountId: sub, claims: () => claims(account) };
  },
  // The company trusts the product: nobody is asked.
  loadExistingGrant: async (context) => {
    const { client, session, provider } = context.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});

provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  const { prompt } = await provider.interactionDetails(context.req, context.res);
  if (prompt.name !== "login") throw new Error(`nobody answers the prompt ${prompt.name}`);
  if (context.method === "POST") {
    const form = new URLSearchParams(await text(context.req));
    const account = accounts.find(({ email, password }) => email === form.get("username") && password === form.get("password"));
    if (account) {
      const result = { login: { accountId: account.sub } };
      context.redirect(await provider.interactionResult(context.req, context.res, result));
      context.status = 303;
      return;
    }
  }
  context.type = "html";
  context.body = `<!doctype html>
<html lang="en"><title>Company</title><h1>Sign in to the company</h1>
<form method="post">
  <label>E-mail <input name="username"></label>
  <label>Password <input name="password" type="password"></label>
  <button name="action" value="sign-in">Sign in</button>
</form></html>`;
});
for (const event of ["server_error", "grant.error", "userinfo.error", "authorization.error"]) {
  provider.on(event, (_, error) => console.error(`${event}: ${error} ${error.error_detail ?? ""}`));
}

server.on("request", provider.callback());
console.log(JSON.stringify({ issuer }));

function claims({ sub, email, groups }) {
  return { sub, email, email_verified: true, name: email, preferred_username: email, groups };
}

function signingKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: "outside", alg: "RS256", use: "sig" };
}
