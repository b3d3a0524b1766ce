//! The host's side of the contract in `wit/`, generated; nothing else.
//!
//! One set of bindings serves both worlds: they differ by an import alone, and
//! a component that has it is refused where the scope grants no writing. Which of
//! the exports a component has is for [`super::job`] to find out.

wasmtime::component::bindgen!({
    path: "../wit",
    inline: r#"
        package mssql-mcp:linked;

        /// All that the host links and looks for.
        world everything {
            include mssql-mcp:plugin/write-tools@1.0.0;
            export mssql-mcp:tools/resources@1.0.0;
            export mssql-mcp:tools/prompts@1.0.0;
            export mssql-mcp:tools/lifecycle@1.0.0;
        }
    "#,
    world: "mssql-mcp:linked/everything",
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
