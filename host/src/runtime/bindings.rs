//! The host's side of the contract in `wit/`, generated; nothing else.
//!
//! One set of bindings serves both worlds: they differ by an import alone, and
//! a component that has it is refused where the scope grants no writing.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "write-tools",
    imports: {
        "mssql-mcp:database": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "mssql-mcp:database/db-query.cursor": crate::runtime::host::GuestCursor,
    },
    require_store_data_send: true,
});
