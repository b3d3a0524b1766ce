"""Calls every tool with the official Python SDK.

usage: mcp_tools.py legacy|modern URL
       mcp_tools.py legacy|modern stdio COMMAND [ARGUMENT…]

`legacy` shakes hands (2025-11-25), `modern` discovers (2026-07-28). MCP_TOKEN is
the bearer token, if one is needed; with EXPECT_REFUSAL=1 the server must answer
401 instead.
"""

import asyncio
import importlib.metadata
import json
import os
import sys

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

REVISIONS = {"legacy": "2025-11-25", "modern": "2026-07-28"}
TOOLS = ["list_tables", "describe_table", "execute_sql", "get_table_sample", "search", "fetch"]

# Query, rows it finds, how their ids begin.
SEARCHES = [
    ("10 mejores clientes por ingresos", 10, "dbo.Customers/"),
    ("SELECT TOP 3 CustomerID, CompanyName FROM Customers ORDER BY CustomerID", 3, "dbo.Customers/"),
    ("SELECT COUNT(*) AS orders FROM Orders", 1, "query:"),
]


async def check(client, revision):
    assert client.protocol_version == revision, client.protocol_version
    tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == TOOLS, tools
    calls = 0

    async def call(tool, **arguments):
        """What the tool says, which it must say twice."""
        nonlocal calls
        calls += 1
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, f"{tool}: {result}"
        [item] = result.content
        assert json.loads(item.text) == result.structured_content, f"{tool}: {result}"
        return result.structured_content

    tables = await call("list_tables")
    assert "Order Details" in [table["name"] for table in tables["tables"]], tables
    orders = await call("describe_table", table_name="Orders")
    assert orders["primary_keys"] == ["OrderID"], orders
    values = await call(
        "execute_sql",
        query="SELECT CAST(12.50 AS decimal(10,2)) AS amount, CAST(9007199254740993 AS bigint) AS big, "
        "N'Zürich 日本 😀' AS city, NULL AS nothing",
    )
    assert values["results"] == [
        {"amount": "12.50", "big": "9007199254740993", "city": "Zürich 日本 😀", "nothing": None}
    ], values
    sample = await call("get_table_sample", table_name="Order Details", limit=3)
    assert sample["row_count"] == len(sample["results"]) == 3, sample
    for query, hits, ids in SEARCHES:
        found = (await call("search", query=query))["results"]
        # Tables may follow the rows.
        assert len(found) >= hits and all(hit["id"].startswith(ids) for hit in found[:hits]), f"{query}: {found}"
        record = await call("fetch", id=found[0]["id"])
        assert record["id"] == found[0]["id"] and record["text"], record

    failed = await client.call_tool("describe_table", {"table_name": "Nowhere"})
    assert failed.is_error and failed.structured_content is None, failed
    assert json.loads(failed.content[0].text)["code"] == "unknown-table", failed
    try:
        await client.call_tool("no_such_tool", {})
    except MCPError as error:
        assert error.code == -32602, error
    else:
        raise AssertionError("an unknown tool was called")
    return calls


async def main(mode, server, *command):
    if server == "stdio":
        client = connection(mode, StdioServerParameters(command=command[0], args=list(command[1:])))
        return await succeed(client, mode)
    statuses = set()

    async def record(response):
        statuses.add(response.status_code)

    token = os.environ.get("MCP_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, timeout=60, event_hooks={"response": [record]}) as http:
        client = connection(mode, streamable_http_client(server, http_client=http))
        if not os.environ.get("EXPECT_REFUSAL"):
            return await succeed(client, mode)
        try:
            async with client:
                pass
        except* MCPError:  # which does not tell the status
            assert statuses == {401}, statuses
            print("refused with 401")
        else:
            raise AssertionError("let in")


def connection(mode, transport):
    return Client(transport, mode="legacy" if mode == "legacy" else "auto", read_timeout_seconds=60)


async def succeed(client, mode):
    async with client:
        calls = await check(client, REVISIONS[mode])
    sdk = f"mcp {importlib.metadata.version('mcp')}, {REVISIONS[mode]}"
    print(f"{sdk}: {len(TOOLS)} tools, {calls} calls, 2 errors as they should be")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
