//! The contract's bindings, generated from `wit/` and nowhere else.
//!
//! Outside wasm the imported functions are stubs that abort, which is why
//! tools reach the host through the traits of [`crate::host`].

#![expect(missing_docs, reason = "generated: the contract documents itself")]

macro_rules! generate {
    ($world:literal) => {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: r#"
                package mssql-mcp:sdk;

                world reading {
                    include mssql-mcp:plugin/read-tools@1.0.0;
                }

                world writing {
                    include mssql-mcp:plugin/write-tools@1.0.0;
                }

                world reading-and-offering {
                    include mssql-mcp:plugin/read-tools@1.0.0;
                    export mssql-mcp:tools/resources@1.0.0;
                    export mssql-mcp:tools/prompts@1.0.0;
                }

                world writing-and-offering {
                    include mssql-mcp:plugin/write-tools@1.0.0;
                    export mssql-mcp:tools/resources@1.0.0;
                    export mssql-mcp:tools/prompts@1.0.0;
                }
            "#,
            world: $world,
            generate_all,
            pub_export_macro: true,
            additional_derives: [Clone, PartialEq],
            additional_derives_ignore: ["structured", "output", "reply"],
        });
    };
}

#[cfg(not(any(feature = "write", feature = "offers")))]
generate!("mssql-mcp:sdk/reading");

#[cfg(all(feature = "write", not(feature = "offers")))]
generate!("mssql-mcp:sdk/writing");

#[cfg(all(feature = "offers", not(feature = "write")))]
generate!("mssql-mcp:sdk/reading-and-offering");

#[cfg(all(feature = "write", feature = "offers"))]
generate!("mssql-mcp:sdk/writing-and-offering");
