//! The attacks, in the order of the table: each by its name, how it is made, and what
//! its end must be.

use serde_json::{Value, json};

use super::call::{Arguments, nothing};
use super::{files, forge};
use crate::config::LimitsSection;

/// One row of the table.
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// How it is made.
pub(super) enum Kind {
    /// By calls of a tool that is served.
    Call(CallAttack),
    /// By a file that comes to the folder of tool sets.
    File(FileAttack),
    /// By clients that leave in the middle of calls of this tool.
    Leave(&'static str),
}

pub(super) struct CallAttack {
    pub(super) tool: &'static str,
    pub(super) arguments: Arguments,
    pub(super) ends: Ends,
}

/// How every call must end.
pub(super) enum Ends {
    /// In an error with one of these codes.
    Stopped(&'static [&'static str]),
    /// Well, having been refused what it reached for.
    Refused,
    /// Well, with this text.
    Says(&'static str),
    /// It may end as it likes, as long as there is an answer in time.
    AsItLikes,
}

pub(super) struct FileAttack {
    /// Name of the file without `.wasm`.
    pub(super) file: &'static str,
    /// Its content.
    pub(super) wasm: fn() -> Vec<u8>,
    /// Its setting `lie` in the attacked scope.
    pub(super) lie: Option<&'static str>,
    /// One of these is in the sentence with which it must be refused.
    pub(super) refused: &'static [&'static str],
}

const fn calls(name: &'static str, tool: &'static str, arguments: Arguments, ends: Ends) -> Attack {
    let call = CallAttack {
        tool,
        arguments,
        ends,
    };
    Attack {
        name,
        kind: Kind::Call(call),
    }
}

const fn stopped(
    name: &'static str,
    tool: &'static str,
    arguments: Arguments,
    codes: &'static [&'static str],
) -> Attack {
    calls(name, tool, arguments, Ends::Stopped(codes))
}

const fn dropped(
    name: &'static str,
    file: &'static str,
    wasm: fn() -> Vec<u8>,
    refused: &'static [&'static str],
) -> Attack {
    let file = FileAttack {
        file,
        wasm,
        lie: None,
        refused,
    };
    Attack {
        name,
        kind: Kind::File(file),
    }
}

const fn lies(name: &'static str, lie: &'static str, refused: &'static [&'static str]) -> Attack {
    let file = FileAttack {
        file: lie,
        wasm: files::hostile,
        lie: Some(lie),
        refused,
    };
    Attack {
        name,
        kind: Kind::File(file),
    }
}

const fn leaves(name: &'static str, tool: &'static str) -> Attack {
    Attack {
        name,
        kind: Kind::Leave(tool),
    }
}

/// All of them.
pub(super) const ATTACKS: &[Attack] = &[
    stopped("loop", "spin", nothing, TIMEOUT),
    stopped(
        "loop of memory.copy",
        "copy_memory",
        half_of_memory,
        TIMEOUT,
    ),
    stopped("memory bomb", "allocate", beyond_memory, MEMORY),
    stopped("deep recursion", "recurse", nothing, STOPPED),
    stopped("panic", "panic", nothing, CRASHED),
    stopped("handle flood", "flood_handles", nothing, STOPPED),
    stopped("huge text", "huge", most_of_memory, STOPPED),
    stopped("huge JSON", "huge_json", beyond_result, STOPPED),
    stopped("a million blocks", "flood_blocks", nothing, STOPPED),
    stopped(
        "JSON that grows when read",
        "flood_maps",
        up_to_result,
        STOPPED,
    ),
    stopped(
        "JSON that is checked 900 times",
        "flood_checks",
        many_numbers,
        CRASHED,
    ),
    calls(
        "largest text allowed",
        "escapes",
        up_to_result,
        Ends::AsItLikes,
    ),
    stopped("broken JSON", "not_json", nothing, CRASHED),
    stopped("tool that is not there", "ghost", nothing, CRASHED),
    calls("log flood", "flood_log", nothing, Ends::AsItLikes),
    calls("output flood", "flood", nothing, Ends::AsItLikes),
    stopped(
        "output streams kept full",
        "flood_streams",
        nothing,
        TIMEOUT,
    ),
    calls("cache flood", "flood_cache", beyond_cache, Ends::AsItLikes),
    calls("progress flood", "flood_progress", nothing, Ends::AsItLikes),
    stopped("question flood", "flood_questions", nothing, STOPPED),
    calls("read a file", "read_file", secret, Ends::Refused),
    calls("open a socket", "connect", bait, Ends::Refused),
    calls("send a datagram", "datagram", bait, Ends::Refused),
    calls("look up a name", "resolve", name, Ends::Refused),
    calls(
        "read the environment",
        "environment",
        nothing,
        Ends::Says("0 variables, 0 arguments"),
    ),
    leaves("client leaves a loop", "spin"),
    leaves("client leaves a sleep", "sleep"),
    dropped(
        "slow to compile",
        "slow",
        forge::slow_to_compile,
        &["compiling it takes"],
    ),
    dropped(
        "many small memories",
        "memories",
        forge::many_memories,
        NO_PLACE,
    ),
    dropped(
        "one memory of 4 GiB",
        "memory",
        forge::vast_memory,
        NO_PLACE,
    ),
    dropped("table without end", "table", forge::vast_table, NO_PLACE),
    dropped(
        "loop while it starts",
        "start",
        forge::endless_start,
        &["CPU"],
    ),
    lies("loop in describe()", "spin", &["CPU"]),
    dropped(
        "world write-tools",
        "writer",
        files::hostile_write,
        &["read-only"],
    ),
    lies("reads, but says it writes", "writes", &["db-execute"]),
    lies("bad schema", "schema", &["cannot be used"]),
    lies("schema elsewhere", "remote", &["refers to"]),
    lies(
        "schema 5 000 deep",
        "deep",
        &["cannot be used", "deep", "JSON"],
    ),
    lies("schema that doubles", "doubling", &["cannot be used"]),
    lies(
        "schema that multiplies",
        "multiplying",
        &["would take too long"],
    ),
    lies("schema in a circle", "circle", &["cannot be used"]),
    lies(
        "schema of vast patterns",
        "patterns",
        &["patterns are too large"],
    ),
    lies("hidden characters", "hidden", &["U+202E"]),
    lies("hidden in a schema", "veiled", &["U+E0139"]),
    lies("hidden in _meta", "meta", &["U+00AD"]),
    lies("header behind an escape", "header", &["x-mcp-header"]),
    lies("10 000 tools", "many", &["at most", "at once"]),
    dropped(
        "truncated file",
        "truncated",
        files::truncated,
        &["not a WebAssembly component"],
    ),
    dropped(
        "core module",
        "module",
        forge::core_module,
        &["core module"],
    ),
    dropped(
        "no WebAssembly",
        "noise",
        files::noise,
        &["not a WebAssembly component"],
    ),
    dropped(
        "empty component",
        "empty",
        forge::empty_component,
        &["contract"],
    ),
];

const TIMEOUT: &[&str] = &["timeout"];
const MEMORY: &[&str] = &["out-of-memory"];
const CRASHED: &[&str] = &["crashed"];
/// The engine's word; not that compiling took too long.
const NO_PLACE: &[&str] = &["no place for it"];
/// Whichever of the scope's limits is the lowest.
const STOPPED: &[&str] = &["out-of-memory", "crashed", "timeout"];

type Bait<'a> = &'a super::bait::Bait;

/// Mebibytes, one at least.
fn mib(bytes: u64) -> Value {
    json!({"mib": (bytes >> 20).max(1)})
}

fn beyond_memory(limits: &LimitsSection, _: Bait<'_>) -> Value {
    mib(limits.memory.as_u64() * 4)
}

fn half_of_memory(limits: &LimitsSection, _: Bait<'_>) -> Value {
    mib(limits.memory.as_u64() / 2)
}

/// What the guest can just make; the copy that the host would take does not fit.
fn most_of_memory(limits: &LimitsSection, _: Bait<'_>) -> Value {
    mib(limits.memory.as_u64() - (4 << 20).min(limits.memory.as_u64() / 2))
}

fn beyond_result(limits: &LimitsSection, _: Bait<'_>) -> Value {
    mib(limits.result.as_u64() + (2 << 20))
}

/// Bytes of text that may be handed over, with what goes around it.
fn up_to_result(limits: &LimitsSection, _: Bait<'_>) -> Value {
    json!({"bytes": limits.result.as_u64() - (4 << 10).min(limits.result.as_u64() / 2)})
}

/// Few enough for the memory that they take, at two bytes each.
fn many_numbers(limits: &LimitsSection, _: Bait<'_>) -> Value {
    json!({"bytes": (400 << 10).min(limits.result.as_u64() / 2)})
}

fn beyond_cache(limits: &LimitsSection, _: Bait<'_>) -> Value {
    mib(limits.cache.as_u64() * 8)
}

fn secret(_: &LimitsSection, bait: Bait<'_>) -> Value {
    json!({"path": bait.path()})
}

fn bait(_: &LimitsSection, bait: Bait<'_>) -> Value {
    json!({"address": bait.address.to_string()})
}

fn name(_: &LimitsSection, _: Bait<'_>) -> Value {
    json!({"address": "localhost:80"})
}
