"""Has a client of the official SDK's version 1 list the tools, call one, cancel a
call, hear that the tools changed, and go on after the server was started anew.

usage: mcp_client_1.py streamable|sse URL

It prints `restart` when the server is to be started anew, and reads a line once that
is done.
"""

import asyncio
import contextlib
import importlib.metadata
import json
import sys

import httpx
from mcp import ClientSession, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

PATIENCE = 30  # More than clients wait until they reconnect.


class Wire:
    """Makes HTTP clients that note the id of a call of test_wait."""

    def __init__(self):
        self.waits = None

    def client(self, **settings):
        return httpx.AsyncClient(**{"timeout": 60, **settings}, event_hooks={"request": [self.watch]})

    async def watch(self, request):
        if b'"test_wait"' in request.content:
            self.waits = json.loads(request.content)["id"]


class Heard:
    """The notifications that tools changed."""

    def __init__(self):
        self.changes = asyncio.Queue()

    async def __call__(self, message):
        match message:
            case types.ServerNotification(root=types.ToolListChangedNotification()):
                self.changes.put_nowait(message)


@contextlib.asynccontextmanager
async def streamable(url, wire, heard):
    async with wire.client() as http, streamable_http_client(url, http_client=http) as (read, write, _):
        async with ClientSession(read, write, message_handler=heard) as session:
            yield session


@contextlib.asynccontextmanager
async def sse(url, wire, heard):
    async with sse_client(url, httpx_client_factory=wire.client) as streams:
        async with ClientSession(*streams, message_handler=heard) as session:
            yield session


# How to connect, and whether the connection outlives the server's: with HTTP+SSE it
# is one stream, which the client does not open again.
CLIENTS = {"streamable": (streamable, True), "sse": (sse, False)}


async def say(session, tool):
    result = await asyncio.wait_for(session.call_tool(tool, {}), PATIENCE)
    assert not result.isError, f"{tool}: {result}"
    return result.content[0].text


async def work(session, heard):
    """Lists, calls, and hears once of what changes once."""
    names = {tool.name for tool in (await session.list_tools()).tools}
    assert {"test_simple_text", "test_wait"} <= names, names
    assert await say(session, "test_simple_text") == "This is a simple text response for testing."
    await say(session, "test_trigger_tool_change")
    await asyncio.wait_for(heard.changes.get(), PATIENCE)
    await say(session, "test_simple_text")
    assert heard.changes.empty(), f"heard again: {heard.changes}"


async def cancel(session, wire):
    call = asyncio.create_task(session.call_tool("test_wait", {}))
    await say(session, "test_await_waiting")
    assert not call.done(), f"ended uncancelled: {call}"
    # This version does not tell the server when the task is cancelled.
    params = types.CancelledNotificationParams(requestId=wire.waits, reason="no longer wanted")
    cancelled = types.CancelledNotification(params=params)
    await session.send_notification(types.ClientNotification(cancelled))
    # Ends once the server knows.
    await say(session, "test_await_cancelled")
    call.cancel()
    await asyncio.wait([call])


async def main(name, url):
    connect, goes_on = CLIENTS[name]
    wire, heard = Wire(), Heard()
    async with connect(url, wire, heard) as session:
        revision = (await session.initialize()).protocolVersion
        assert revision == "2025-11-25", revision
        await work(session, heard)
        await cancel(session, wire)
        print("restart", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        if goes_on:
            await work(session, heard)
    if not goes_on:
        async with connect(url, wire, heard) as session:
            await session.initialize()
            await work(session, heard)
    sdk = f"mcp {importlib.metadata.version('mcp')} {name}, {revision}"
    survives = f"survives a restart with {'its' if goes_on else 'a new'} connection"
    print(f"{sdk}: lists, calls, cancels, hears list_changed, {survives}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
