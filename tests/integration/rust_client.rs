//! The Rust SDK as a client, in both eras: lists, calls, cancels, hears that the
//! tools changed, and goes on after the server was started anew.

use std::time::Duration;

use integration_tests::Product;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest, ProtocolVersion,
    SubscriptionFilter,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt, RoleClient};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Passes on that the tools changed.
struct Listener(mpsc::UnboundedSender<()>);

impl ClientHandler for Listener {
    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.0.send(()).expect("somebody who listens");
    }
}

type Client = RunningService<RoleClient, Listener>;

#[tokio::test(flavor = "multi_thread")]
async fn with_a_handshake_it_lives_through_a_restart() {
    let product = Product::start().await;
    let (client, mut changed) = connect(&product, ClientLifecycleMode::Initialize).await;
    lists_calls_and_cancels(&client).await;
    call(&client, "test_trigger_tool_change").await;
    hears(changed.recv()).await;
    let _product = product.restart().await;
    lists_calls_and_cancels(&client).await;
    call(&client, "test_trigger_tool_change").await;
    hears(changed.recv()).await;
    client.cancel().await.expect("its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_handshake_it_lives_through_a_restart() {
    let mut product = Product::start().await;
    let modern = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    let (client, _) = connect(&product, modern).await;
    for restarts in [true, false] {
        lists_calls_and_cancels(&client).await;
        let wanted = SubscriptionFilter::builder().tools_list_changed().build();
        let mut subscription = client.listen(wanted).await.expect("a subscription");
        assert_eq!(subscription.acknowledged().tools_list_changed, Some(true));
        call(&client, "test_trigger_tool_change").await;
        let told = timeout(PATIENCE, subscription.next()).await;
        assert!(matches!(told, Ok(Ok(Some(_)))), "{told:?}");
        if restarts {
            product = product.restart().await;
            // The server said that this was the end of it.
            let end = timeout(PATIENCE, subscription.next()).await;
            assert!(matches!(end, Ok(Ok(None))), "{end:?}");
        }
    }
    client.cancel().await.expect("its end");
}

async fn connect(
    product: &Product,
    lifecycle: ClientLifecycleMode,
) -> (Client, mpsc::UnboundedReceiver<()>) {
    let (sender, changed) = mpsc::unbounded_channel();
    let url = product.client("everything").url().to_owned();
    let transport = StreamableHttpClientTransport::from_uri(url);
    let client = Listener(sender)
        .serve_with_lifecycle(transport, lifecycle)
        .await
        .expect("a connection");
    (client, changed)
}

async fn lists_calls_and_cancels(client: &Client) {
    let tools = client.list_all_tools().await.expect("tools");
    assert!(tools.iter().any(|tool| tool.name == "test_simple_text"));
    let said = call(client, "test_simple_text").await;
    let said = said.content.first().and_then(|content| content.as_text());
    let said = said.map(|text| text.text.as_str());
    assert_eq!(said, Some("This is a simple text response for testing."));

    let wait = ClientRequest::CallToolRequest(CallToolRequest::new(params("test_wait")));
    let wait = client
        .send_cancellable_request(wait, PeerRequestOptions::no_options())
        .await
        .expect("a request");
    call(client, "test_await_waiting").await;
    wait.cancel(Some("enough".to_owned())).await.expect("sent");
    call(client, "test_await_cancelled").await;
}

async fn call(client: &Client, tool: &'static str) -> CallToolResult {
    let called = timeout(PATIENCE, client.call_tool(params(tool))).await;
    let result = called.expect("a reply in time").expect("a result");
    assert_ne!(result.is_error, Some(true), "{result:?}");
    result
}

fn params(tool: &'static str) -> CallToolRequestParams {
    CallToolRequestParams::new(tool)
}

async fn hears(change: impl Future<Output = Option<()>>) {
    let told = timeout(PATIENCE, change).await;
    assert_eq!(told.expect("a notification in time"), Some(()));
}

/// Listeners come back after some seconds.
const PATIENCE: Duration = Duration::from_secs(60);
