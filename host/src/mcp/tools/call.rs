//! `tools/call`: arguments go to the registry as they came, and failures that
//! a model can act on come back as results.

use std::panic::resume_unwind;
use std::sync::{Arc, OnceLock};
use std::thread;

use serde_json::value::RawValue;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::result;
use crate::mcp::asking::{Settled, settle};
use crate::mcp::dispatch::Caller;
use crate::mcp::error::{Failure, RpcError, shortened};
use crate::mcp::jsonrpc::Request;
use crate::mcp::traced;
use crate::principal::OAuthScope;
use crate::tools::{Bill, CallContext, CallError, Content, Output, ToolError};

/// `tools/call`. An unknown tool is a protocol error, a failed one a result
/// (2025-11-25, server/tools §Error Handling).
pub(crate) async fn call(
    caller: &Caller<'_>,
    request: &Request<'_>,
    cancel: CancellationToken,
) -> Result<Vec<u8>, Failure> {
    let name = request
        .params
        .name()
        .map_err(|_| RpcError::invalid_params("Invalid params: \"name\" is not a string"))?;
    let arguments = request.params.arguments;
    if arguments.is_some_and(|arguments| !arguments.get().starts_with('{')) {
        return Err(
            RpcError::invalid_params("Invalid params: \"arguments\" is not an object").into(),
        );
    }
    let registry = caller.scope.registry();
    let slot: Option<Arc<OnceLock<Bill>>> = request.params.wants_bill().then(Arc::default);
    let settled = settle(caller, request, &name, cancel, |context| {
        let bill = slot.clone();
        registry.call(&name, arguments, CallContext { bill, ..context })
    });
    let settled = settled.await?;
    let bill = slot.as_ref().and_then(|slot| slot.get());
    match settled {
        Ok(Settled::Complete(output)) => {
            let write = || result::output(caller, request.id, &output, bill);
            Ok(aside(size(&output), write).await)
        }
        Ok(Settled::Required(reply)) => Ok(reply),
        Ok(Settled::Unanswered(error)) | Err(CallError::Tool(error)) => {
            traced::tool_failed();
            Ok(result::tool_error(caller, request.id, &error, bill))
        }
        Err(CallError::UnknownTool(name)) => {
            Err(RpcError::invalid_params(format!("Unknown tool: {}", shortened(&name))).into())
        }
        Err(CallError::InsufficientScope(scope)) => Err(Failure::InsufficientScope(scope)),
    }
}

/// Writes a result of that size: a large one takes milliseconds, in which this
/// thread's other requests go on elsewhere. The largest take a tenth of a second, wait
/// for each other and give way to all that is smaller: eight of 4 MiB, each byte of
/// which becomes six, kept two cores from all others for 50 ms.
async fn aside<T: Send>(size: usize, write: impl FnOnce() -> T + Send) -> T {
    let threads = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    if size < LARGE || !matches!(threads, Ok(RuntimeFlavor::MultiThread)) {
        return write();
    }
    if size < LARGEST {
        return tokio::task::block_in_place(write);
    }
    let _turn = LANE.acquire().await;
    tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            let writing = scope.spawn(|| {
                give_way();
                write()
            });
            match writing.join() {
                Ok(written) => written,
                Err(panic) => resume_unwind(panic),
            }
        })
    })
}

/// Linux gives each thread its own nice value; elsewhere it belongs to the process.
#[cfg(target_os = "linux")]
fn give_way() {
    // Without it all is as right, only less fair.
    let _ = rustix::process::nice(15);
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

fn size(output: &Output) -> usize {
    let content = output.content.iter().map(Content::size).sum::<usize>();
    content
        + output
            .structured
            .as_ref()
            .map_or(0, |json| json.get().len())
}

static LANE: Semaphore = Semaphore::const_new(2);
/// Bytes that are written in a fraction of a millisecond.
const LARGE: usize = 128 << 10;
/// Bytes of more than any model reads.
const LARGEST: usize = 1 << 20;

/// A missing right where no challenge can be sent.
pub(crate) fn insufficient_scope(caller: &Caller<'_>, id: &RawValue, scope: OAuthScope) -> Vec<u8> {
    let error = ToolError {
        message: format!(
            "This tool needs the right {scope}, which the access token does not carry."
        ),
        code: "insufficient-scope",
        hint: Some(format!("Sign in again and ask for {scope}.")),
        number: None,
        id: None,
    };
    result::tool_error(caller, id, &error, None)
}
