//! The contract's bindings, generated from `wit/` and nowhere else.
//!
//! Outside wasm the imported functions are stubs that abort, which is why
//! tools reach the host through the traits of [`crate::host`].

#![expect(missing_docs, reason = "generated: the contract documents itself")]

#[cfg(not(feature = "write"))]
wit_bindgen::generate!({
    path: "../../wit",
    world: "mssql-mcp:plugin/read-tools",
    generate_all,
    pub_export_macro: true,
    additional_derives: [Clone, PartialEq],
    additional_derives_ignore: ["structured", "output", "reply"],
});

#[cfg(feature = "write")]
wit_bindgen::generate!({
    path: "../../wit",
    world: "mssql-mcp:plugin/write-tools",
    generate_all,
    pub_export_macro: true,
    additional_derives: [Clone, PartialEq],
    additional_derives_ignore: ["structured", "output", "reply"],
});
