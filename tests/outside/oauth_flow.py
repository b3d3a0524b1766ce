"""Walks from a stranger to a tool call with the official Python SDK.

usage: oauth_flow.py legacy|modern URL < JOB

JOB is JSON: user and password, where the server asks for them, and
client_metadata_url, the client_id of a client that does not register. A browser
(browser.mjs) signs in and allows; the token is refreshed once before its time.
"""

import asyncio
import importlib.metadata
import json
import pathlib
import sys
import time
import urllib.parse

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

REVISIONS = {"legacy": "2025-11-25", "modern": "2026-07-28"}
BROWSER = pathlib.Path(__file__).with_name("browser.mjs")


class Storage:
    """What the client keeps, in memory."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Callback:
    """The client's own little server, where the browser brings the code."""

    def __init__(self, job):
        self.job = job
        self.visits = 0

    async def listen(self):
        self.query = asyncio.get_running_loop().create_future()
        self.server = await asyncio.start_server(self.answer, "127.0.0.1")
        port = self.server.sockets[0].getsockname()[1]
        self.uri = f"http://127.0.0.1:{port}/callback"

    async def answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        target = urllib.parse.urlsplit(head.split()[1].decode())
        if target.path == "/callback":
            self.query.set_result(dict(urllib.parse.parse_qsl(target.query, strict_parsing=True)))
        body = b"<!doctype html><title>Done</title><h1>Done</h1>"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async def send_browser(self, url):
        self.visits += 1
        browser = await asyncio.create_subprocess_exec(
            "node", BROWSER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await browser.communicate(json.dumps(self.job | {"url": url}).encode())
        assert browser.returncode == 0, said
        outcome = json.loads(said.splitlines()[-1])
        assert "redirect" in outcome, outcome

    async def code(self):
        query = await self.query
        assert "code" in query, query
        return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query["iss"])


async def main(mode, url):
    job = json.load(sys.stdin)
    document = job.get("client_metadata_url")
    storage, callback, requests = Storage(), Callback(job), []
    await callback.listen()
    provider = OAuthClientProvider(
        url,
        OAuthClientMetadata(client_name="Outside", redirect_uris=[callback.uri]),
        storage,
        callback.send_browser,
        callback.code,
        client_metadata_url=document,
    )

    async def record(response):
        path = response.request.url.path
        requests.append(f"{response.request.method} {path} {response.status_code}")

    async with httpx2.AsyncClient(auth=provider, timeout=60, event_hooks={"response": [record]}) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode="legacy" if mode == "legacy" else "auto", read_timeout_seconds=120) as client:
            assert client.protocol_version == REVISIONS[mode], client.protocol_version
            await check(client)
            first = storage.tokens
            assert first.refresh_token and first.expires_in > 0 and first.token_type == "Bearer", first
            assert "mcp:read" in first.scope.split(), first.scope
            # Its time has come, as far as this client knows.
            provider.context.token_expiry_time = time.time() - 1
            await check(client)
            second = storage.tokens
            assert first.access_token != second.access_token, "the access token was not refreshed"
            assert first.refresh_token != second.refresh_token, "the refresh token was not rotated"

    assert callback.visits == 1, callback.visits
    registered = [request for request in requests if "/register " in request]
    exchanges = [request for request in requests if request.endswith("/token 200")]
    assert len(exchanges) == 2, requests
    if document:
        assert storage.client.client_id == document and not registered, requests
    else:
        assert len(registered) == 1 and registered[0].endswith(" 201"), requests
    assert requests[0].endswith(" 401"), requests
    how = "metadata document" if document else "registration"
    print(f"mcp {importlib.metadata.version('mcp')}, {REVISIONS[mode]}, {how}: signed in, called, refreshed, called")


async def check(client):
    tools = (await client.list_tools()).tools
    assert "execute_sql" in [tool.name for tool in tools], tools
    result = await client.call_tool("execute_sql", {"query": "SELECT 42 AS answer"})
    assert not result.is_error and result.structured_content["results"] == [{"answer": 42}], result


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
