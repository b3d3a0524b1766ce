"""Has a real client list the tools, call one, cancel a call, hear that the tools
changed, and go on after the server was started anew.

usage: mcp_client.py legacy|modern|sse|fastmcp|fastmcp-sse URL

`legacy` (2025-11-25), `modern` (2026-07-28) and `sse` are the official SDK's,
`fastmcp` and `fastmcp-sse` FastMCP's. It prints `restart` when the server is to be
started anew, and reads a line once that is done.
"""

import asyncio
import contextlib
import functools
import importlib.metadata
import sys

import fastmcp
from fastmcp.client.messages import MessageHandler
from fastmcp.client.transports import SSETransport, StreamableHttpTransport
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import listen

PATIENCE = 30  # More than clients wait until they reconnect.


class Heard(MessageHandler):
    """The notifications that tools changed, from either package."""

    def __init__(self):
        self.changes = asyncio.Queue()

    async def on_tool_list_changed(self, message):
        self.changes.put_nowait(message)

    async def follow(self, subscription):
        async for event in subscription:
            self.changes.put_nowait(event)


@contextlib.asynccontextmanager
async def streamable(mode, url, heard):
    # What a subscription brings goes to handlers too; a listing out of a cache proves nothing.
    settings = {"mode": mode, "message_handler": heard if mode == "legacy" else None, "cache": None}
    async with Client(streamable_http_client(url), **settings) as client:
        yield client


def sse(url, heard):
    return Client(sse_client(url), mode="legacy", message_handler=heard)


def through_fastmcp(transport, url, heard):
    return fastmcp.Client(transport(url), message_handler=heard)


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
    """Subscribes until the server ends; before 2026-07-28 clients hear of changes unasked."""
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
    assert await say(client, "test_simple_text") == "This is a simple text response for testing."
    await say(client, "test_trigger_tool_change")
    await asyncio.wait_for(heard.changes.get(), PATIENCE)
    await say(client, "test_simple_text")
    assert heard.changes.empty(), f"heard again: {heard.changes}"


async def cancel(client):
    call = asyncio.create_task(client.call_tool("test_wait", {}))
    await say(client, "test_await_waiting")
    assert not call.done(), f"ended uncancelled: {call}"
    call.cancel()
    # Ends once the server knows.
    await say(client, "test_await_cancelled")


async def main(name, url):
    connect, revision, goes_on = CLIENTS[name]
    heard = Heard()
    async with connect(url, heard) as client:
        assert client.session.protocol_version == revision, client.session.protocol_version
        async with listening(client, heard):
            await work(client, heard)
            await cancel(client)
            print("restart", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
        if goes_on:
            async with listening(client, heard):
                await work(client, heard)
    if not goes_on:
        async with connect(url, heard) as client:
            await work(client, heard)
    package = "fastmcp" if name.startswith("fastmcp") else "mcp"
    sdk = f"{package} {importlib.metadata.version(package)} {name}, {revision}"
    survives = f"survives a restart with {'its' if goes_on else 'a new'} connection"
    print(f"{sdk}: lists, calls, cancels, hears list_changed, {survives}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
