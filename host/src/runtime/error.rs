//! Why the sandbox could not start, a file not be loaded, a call not finish.

use std::time::Duration;

/// The sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The engine refuses its configuration, or the machine lacks the address
    /// space that the pools reserve.
    #[error("the WebAssembly engine does not start: {0:#}")]
    Engine(wasmtime::Error),
    /// A thread or runtime could not be made.
    #[error("the threads for tool sets cannot be started: {0}")]
    Threads(#[from] std::io::Error),
}

/// A file cannot serve as a tool set.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Larger than a component may be.
    #[error(
        "the file is larger than the {0} bytes that a tool set may have; build it smaller, or \
         allow more with limits.file"
    )]
    TooLarge(usize),
    /// Not WebAssembly, truncated, or a core module.
    #[error("not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// More CPU time than compiling one file may take.
    #[error(
        "compiling it takes more than {0:?}; build it smaller, or allow more with \
         limits.compile_time"
    )]
    CompileTime(Duration),
    /// More memory than compiling one file may take.
    #[error("compiling it takes more than {0} bytes of memory")]
    CompileMemory(usize),
    /// The compiler's own fault.
    #[error("the compiler failed: {0}")]
    Compiler(String),
    /// The engine has no place for it: a memory that begins larger than any call's.
    #[error("this host has no place for it: {0}")]
    Unfit(String),
    /// It asks for something that no tool set gets.
    #[error("the component does not fit the contract: {0}")]
    Contract(String),
    /// It was built for a contract that has nothing to do with this host's.
    #[error(
        "it was built for version {found} of the contract ({interface}), and this host has \
         {ours}: build it with this host's contract, which `mssql-mcp plugin new` writes, or \
         serve it with a host of that version"
    )]
    OtherMajor {
        /// An interface that it imports or exports.
        interface: String,
        /// Its version.
        found: String,
        /// This host's version.
        ours: &'static str,
    },
    /// It can write and the scope is read-only.
    #[error(
        "the component imports {import}, which is world `write-tools`; scope \"{scope}\" is \
         read-only: build the tool set for world `read-tools`, or set read_only = false"
    )]
    Writes {
        /// The import.
        import: String,
        /// The scope that refuses.
        scope: String,
    },
    /// `describe` failed.
    #[error("describe() failed: {0}")]
    Describe(String),
    /// `self-test` said that it does not work here.
    #[error("its self-test failed: {0}")]
    SelfTest(String),
    /// What it says of itself cannot be served.
    #[error("it declares {0}")]
    Manifest(String),
}

/// Why a call ended without a reply of the guest's.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallFailure {
    /// More CPU time than the scope allows.
    #[error("used more than {0:?} of CPU time")]
    Cpu(Duration),
    /// More time than the scope allows.
    #[error("took longer than {0:?}")]
    Wall(Duration),
    /// More memory than the scope allows.
    #[error("wanted more than {0} bytes of memory")]
    Memory(usize),
    /// A result, or an argument of a host call, larger than allowed.
    #[error("handed over more than {0} bytes at once")]
    Transfer(usize),
    /// The queue for the scope's instances is full.
    #[error("too many calls are waiting")]
    Queue,
    /// The client went away.
    #[error("cancelled")]
    Cancelled,
    /// It was ended while a change was made final, and the answer did not come.
    #[error("ended during COMMIT")]
    Uncertain,
    /// A trap: the guest's fault.
    #[error("trapped: {0}")]
    Trap(String),
    /// The host's fault.
    #[error("host error: {0}")]
    Host(String),
}
