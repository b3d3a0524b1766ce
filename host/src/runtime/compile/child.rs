//! Compiling in a process of its own. Time and memory that a compiler takes are
//! no vulnerability to its authors, so the operating system holds the limits, and
//! what the process says is believed only as far as its code runs at all: it is
//! this very program.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::CompileLimits;
use crate::runtime::engine::{Reservation, compiling_engine};
use crate::runtime::error::LoadError;

/// The argument that makes this program a compiler: the component on standard
/// input, native code on standard output, a sentence on standard error.
pub const COMPILE_COMMAND: &str = "compile-component";

/// Compiles `wasm` in a child made from `program`.
pub(super) async fn compile(
    program: &Path,
    reservation: Reservation,
    wasm: &[u8],
    limits: CompileLimits,
) -> Result<Vec<u8>, LoadError> {
    let lost = |error: io::Error| {
        LoadError::Compiler(format!("{} cannot compile: {error}", program.display()))
    };
    let mut command = Command::new(program);
    command
        .arg(COMPILE_COMMAND)
        .arg(reservation.unwrap_or_default().to_string())
        .arg(limits.cpu.as_secs().max(1).to_string())
        .arg(limits.memory.to_string())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(lost)?;
    let (Some(mut input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(LoadError::Compiler("the child has no pipes".to_owned()));
    };
    let (mut native, mut said) = (Vec::new(), Vec::new());
    let mut output = output.take(MAX_NATIVE);
    let mut errors = errors.take(MAX_SAID);
    let work = async {
        let send = async {
            // A child that gave up early closes it; its exit says why.
            let _ = input.write_all(wasm).await;
            drop(input);
        };
        let (_, read, _) = tokio::join!(send, output.read_to_end(&mut native), async {
            errors.read_to_end(&mut said).await?;
            // Who says more is listened to, or it would wait for ever.
            tokio::io::copy(errors.get_mut(), &mut tokio::io::sink()).await
        });
        read?;
        child.wait().await
    };
    // It counts CPU; whoever stops without using any is stopped by time.
    let status = tokio::time::timeout(limits.cpu * WALL_TO_CPU, work)
        .await
        .map_err(|_| LoadError::CompileTime(limits.cpu))?
        .map_err(lost)?;
    if status.success() {
        return Ok(native);
    }
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Err(match status.code() {
        Some(code) if code == i32::from(REFUSED) => LoadError::NotAComponent(said),
        Some(_) => LoadError::Compiler(said),
        None if said.contains("memory allocation") => LoadError::CompileMemory(limits.memory),
        None => LoadError::CompileTime(limits.cpu),
    })
}

/// What the child does, with the arguments after [`COMPILE_COMMAND`]. Gives the
/// code for the process to exit with.
pub fn compile_here(mut arguments: impl Iterator<Item = String>) -> u8 {
    let mut number = || arguments.next()?.parse::<u64>().ok();
    let (Some(reservation), Some(cpu), Some(memory)) = (number(), number(), number()) else {
        return fail(USAGE, "this command is for the program itself");
    };
    if let Err(error) = limit(cpu, memory) {
        return fail(USAGE, &format!("the limits cannot be set: {error}"));
    }
    let mut wasm = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut wasm) {
        return fail(USAGE, &error.to_string());
    }
    let reservation = (reservation > 0).then_some(reservation);
    match native_code(&wasm, reservation) {
        Ok(native) => match io::stdout().lock().write_all(&native) {
            Ok(()) => 0,
            Err(error) => fail(USAGE, &error.to_string()),
        },
        Err(LoadError::NotAComponent(reason)) => fail(REFUSED, &reason),
        Err(error) => fail(USAGE, &error.to_string()),
    }
}

fn fail(code: u8, sentence: &str) -> u8 {
    let _ = writeln!(io::stderr(), "{sentence}");
    code
}

/// Native code of the component `wasm`.
pub(super) fn native_code(wasm: &[u8], reservation: Reservation) -> Result<Vec<u8>, LoadError> {
    let engine =
        compiling_engine(reservation).map_err(|error| LoadError::Compiler(format!("{error:#}")))?;
    engine
        .precompile_component(wasm)
        .map_err(|error| LoadError::NotAComponent(format!("{error:#}")))
}

/// What this process may use from now on: `cpu` in seconds, `memory` in bytes of
/// address space. It gives way to whatever serves.
#[cfg(unix)]
fn limit(cpu: u64, memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    for (resource, limit) in [
        (Resource::Cpu, cpu),
        (Resource::As, memory),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, limit)?;
    }
    rustix::process::nice(NICE)?;
    wait_for_idle();
    Ok(())
}

/// On Linux whatever serves takes the processor from it at once. With a nice value alone
/// a call waits for the compiler's turn to end: 200 calls a second of JavaScript had a p99
/// of 79 ms beside reloads, and of 21 ms this way.
#[cfg(target_os = "linux")]
fn wait_for_idle() {
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id,
    };

    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    // Where that may not be done there is still the nice value.
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
}

#[cfg(all(unix, not(target_os = "linux")))]
fn wait_for_idle() {}

/// Elsewhere time alone is limited, by whoever waits.
#[cfg(not(unix))]
fn limit(_cpu: u64, _memory: u64) -> io::Result<()> {
    Ok(())
}

/// The file is at fault.
const REFUSED: u8 = 1;
/// The process is.
const USAGE: u8 = 64;
/// Bytes of code: ten times what 18 MB of Python become.
const MAX_NATIVE: u64 = 512 << 20;
/// Bytes of a sentence that are read.
const MAX_SAID: u64 = 4 << 10;
/// Waiting counts too: a machine under load gives the child what is left over.
const WALL_TO_CPU: u32 = 10;
/// Below those that serve, above hogs.
#[cfg(unix)]
const NICE: i32 = 10;
