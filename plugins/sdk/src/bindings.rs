//! The contract's bindings, generated from `wit/` and nowhere else.
//!
//! Outside wasm the imported functions are stubs that abort, which is why
//! tools reach the host through the traits of [`crate::host`].

#![expect(missing_docs, reason = "generated: the contract documents itself")]

macro_rules! generate {
    ($($part:literal),*) => {
        wit_bindgen::generate!({
            path: "../../wit",
            // Every optional part behind the cargo feature of its name.
            inline: r#"
                package mssql-mcp:sdk;

                world tool-set {
                    include mssql-mcp:plugin/read-tools@1.0.0;
                    @unstable(feature = write)
                    import mssql-mcp:database/db-execute@1.0.0;
                    @unstable(feature = offers)
                    export mssql-mcp:tools/resources@1.0.0;
                    @unstable(feature = offers)
                    export mssql-mcp:tools/prompts@1.0.0;
                    @unstable(feature = self-test)
                    export mssql-mcp:tools/lifecycle@1.0.0;
                }
            "#,
            world: "mssql-mcp:sdk/tool-set",
            features: [$($part),*],
            generate_all,
            pub_export_macro: true,
            additional_derives: [Clone, PartialEq],
            additional_derives_ignore: ["structured", "output", "reply"],
        });
    };
}

#[cfg(not(any(feature = "write", feature = "offers", feature = "self-test")))]
generate!();

#[cfg(all(feature = "write", not(any(feature = "offers", feature = "self-test"))))]
generate!("write");

#[cfg(all(feature = "offers", not(any(feature = "write", feature = "self-test"))))]
generate!("offers");

#[cfg(all(feature = "self-test", not(any(feature = "write", feature = "offers"))))]
generate!("self-test");

#[cfg(all(feature = "write", feature = "offers", not(feature = "self-test")))]
generate!("write", "offers");

#[cfg(all(feature = "write", feature = "self-test", not(feature = "offers")))]
generate!("write", "self-test");

#[cfg(all(feature = "offers", feature = "self-test", not(feature = "write")))]
generate!("offers", "self-test");

#[cfg(all(feature = "write", feature = "offers", feature = "self-test"))]
generate!("write", "offers", "self-test");
