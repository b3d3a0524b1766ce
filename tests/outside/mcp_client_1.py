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

TEXT = "This is a simple text response for testing."
# More than clients wait until they reconnect.
PATIENCE = 30


class Wire:
    """Makes HTTP clients that tell the id of a call of test_wait once it was sent."""

    def __init__(self):
        self.waits = asyncio.Queue()

    def client(self, **settings):
        # The SDK's listener gives up at the second refusal, 2 s after its stream ended,
        # which may be before the server is back; HTTP clients can try for longer.
        settings = {"timeout": 60, "transport": httpx.AsyncHTTPTransport(retries=7), **settings}
        return httpx.AsyncClient(**settings, event_hooks={"request": [self.watch]})

    async def watch(self, request):
        if b'"test_wait"' not in request.content:
            return

        # This is before the sending, and a hook for the response would be after the end.
        async def trace(event, _):
            if event.endswith("send_request_body.complete"):
                self.waits.put_nowait(json.loads(request.content)["id"])

        request.extensions["trace"] = trace


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
    assert await say(session, "test_simple_text") == TEXT
    await say(session, "test_trigger_tool_change")
    await asyncio.wait_for(heard.changes.get(), PATIENCE)
    assert await say(session, "test_simple_text") == TEXT
    assert heard.changes.empty(), f"heard again: {heard.changes}"


async def cancel(session, wire):
    call = asyncio.create_task(session.call_tool("test_wait", {}))
    request = await asyncio.wait_for(wire.waits.get(), PATIENCE)
    # Once a later call has ended, the server has begun with this one.
    await say(session, "test_simple_text")
    assert not call.done(), f"ended uncancelled: {call}"
    # This version does not tell the server when the task is cancelled.
    params = types.CancelledNotificationParams(requestId=request, reason="no longer wanted")
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
    survives = "its connection" if goes_on else "a new connection"
    print(
        f"mcp {importlib.metadata.version('mcp')} {name}, {revision}: lists, calls, cancels, "
        f"hears list_changed, survives a restart with {survives}"
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
