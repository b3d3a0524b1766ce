"""Has a real client list the tools, call one, cancel a call, hear that the tools
changed, and go on after the server was started anew.

usage: mcp_client.py legacy|modern|sse|fastmcp|fastmcp-sse URL

`legacy` (2025-11-25), `modern` (2026-07-28) and `sse` are clients of the official
SDK, `fastmcp` and `fastmcp-sse` those of FastMCP. It prints `restart` when the
server is to be started anew, and reads a line once that is done.
"""

import asyncio
import contextlib
import functools
import importlib.metadata
import sys

import fastmcp
import httpx2
from fastmcp.client.messages import MessageHandler
from fastmcp.client.transports import SSETransport, StreamableHttpTransport
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ToolsListChanged, listen

TEXT = "This is a simple text response for testing."
# More than clients wait until they reconnect.
PATIENCE = 30


class Wire:
    """Makes HTTP clients that tell when a call of test_wait was sent."""

    def __init__(self):
        self.waits = asyncio.Event()

    def client(self, **settings):
        # The SDK's listener gives up at the second refusal, 2 s after its stream ended,
        # which may be before the server is back; HTTP clients can try for longer.
        settings = {"timeout": 60, "transport": httpx2.AsyncHTTPTransport(retries=7), **settings}
        return httpx2.AsyncClient(**settings, event_hooks={"request": [self.watch]})

    async def watch(self, request):
        # This is before the sending, and a hook for the response would be after the end.
        if b'"test_wait"' in request.content:
            request.extensions["trace"] = self.trace

    async def trace(self, event, _):
        if event.endswith("send_request_body.complete"):
            self.waits.set()


class Heard(MessageHandler):
    """The notifications that tools changed, from either package."""

    def __init__(self):
        self.changes = asyncio.Queue()

    async def on_tool_list_changed(self, message):
        self.changes.put_nowait(message)

    async def follow(self, subscription):
        async for event in subscription:
            assert isinstance(event, ToolsListChanged), event
            self.changes.put_nowait(event)


@contextlib.asynccontextmanager
async def streamable(mode, url, wire, heard):
    # What a subscription brings would come here a second time.
    handler = heard if mode == "legacy" else None
    async with wire.client() as http:
        transport = streamable_http_client(url, http_client=http)
        # A listing out of a cache would prove nothing.
        async with Client(transport, mode=mode, message_handler=handler, cache=None) as client:
            yield client


def sse(url, wire, heard):
    transport = sse_client(url, httpx_client_factory=wire.client)
    return Client(transport, mode="legacy", message_handler=heard, cache=None)


def through_fastmcp(transport, url, wire, heard):
    return fastmcp.Client(transport(url, httpx_client_factory=wire.client), message_handler=heard)


# How to connect, the revision, and whether the connection outlives the server's: with
# HTTP+SSE it is one stream, which the clients do not open again.
CLIENTS = {
    "legacy": (functools.partial(streamable, "legacy"), "2025-11-25", True),
    "modern": (functools.partial(streamable, "auto"), "2026-07-28", True),
    "sse": (sse, "2025-11-25", False),
    "fastmcp": (functools.partial(through_fastmcp, StreamableHttpTransport), "2026-07-28", True),
    "fastmcp-sse": (functools.partial(through_fastmcp, SSETransport), "2025-11-25", False),
}


@contextlib.asynccontextmanager
async def listening(client, heard):
    """Subscribes to changes, which clients before 2026-07-28 hear of unasked."""
    if client.session.protocol_version != "2026-07-28":
        yield
    elif isinstance(client, fastmcp.Client):
        # It leaves subscribing to the SDK; what comes goes to its handler.
        async with listen(client.session, tools_list_changed=True):
            yield
    else:
        async with client.listen(tools_list_changed=True) as subscription, asyncio.TaskGroup() as tasks:
            following = tasks.create_task(heard.follow(subscription))
            yield
            following.cancel()


async def say(client, tool):
    result = await asyncio.wait_for(client.call_tool(tool, {}), PATIENCE)
    assert not result.is_error, f"{tool}: {result}"
    return result.content[0].text


async def work(client, heard):
    """Lists, calls, and hears once of what changes once."""
    listed = await client.list_tools()
    names = {tool.name for tool in getattr(listed, "tools", listed)}
    assert {"test_simple_text", "test_wait"} <= names, names
    assert await say(client, "test_simple_text") == TEXT
    await say(client, "test_trigger_tool_change")
    await asyncio.wait_for(heard.changes.get(), PATIENCE)
    assert await say(client, "test_simple_text") == TEXT
    assert heard.changes.empty(), f"heard again: {heard.changes}"


async def cancel(client, wire):
    call = asyncio.create_task(client.call_tool("test_wait", {}))
    await asyncio.wait_for(wire.waits.wait(), PATIENCE)
    # Once a later call has ended, the server has begun with this one.
    await say(client, "test_simple_text")
    assert not call.done(), f"ended uncancelled: {call}"
    call.cancel()
    # Ends once the server knows.
    await say(client, "test_await_cancelled")


async def main(name, url):
    connect, revision, goes_on = CLIENTS[name]
    wire, heard = Wire(), Heard()
    async with connect(url, wire, heard) as client:
        assert client.session.protocol_version == revision, client.session.protocol_version
        async with listening(client, heard):
            await work(client, heard)
            await cancel(client, wire)
            print("restart", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
        if goes_on:
            # A subscription ends with the server, and is the application's to renew.
            async with listening(client, heard):
                await work(client, heard)
    if not goes_on:
        async with connect(url, wire, heard) as client:
            await work(client, heard)
    package = "fastmcp" if name.startswith("fastmcp") else "mcp"
    survives = "its connection" if goes_on else "a new connection"
    print(
        f"{package} {importlib.metadata.version(package)} {name}, {revision}: lists, calls, cancels, "
        f"hears list_changed, survives a restart with {survives}"
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
