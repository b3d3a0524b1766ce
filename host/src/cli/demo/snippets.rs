//! What the demo prints when it is ready: addresses to paste, a line that
//! works, and the settings of the usual clients.

use std::fmt::Write as _;
use std::path::Path;

use super::Entrance;

/// The text for a server at `base`, for whoever comes by `entrance`.
pub(super) fn ready(base: &str, entrance: &Entrance, tool_sets: &Path) -> String {
    let token = match entrance {
        Entrance::Open => None,
        Entrance::Consent { token } | Entrance::Password { token, .. } => Some(token.as_str()),
    };
    let header = token.map(|token| format!("Authorization: Bearer {token}"));
    let curl_header = header
        .as_ref()
        .map(|header| format!(" -H '{header}'"))
        .unwrap_or_default();
    let mut text = format!(
        "mssql-mcp is ready on {base}\n\n\
         Addresses for MCP clients:\n\
         \x20 {base}/claude/mcp    list_tables, describe_table, execute_sql, get_table_sample\n\
         \x20 {base}/chatgpt/mcp   search, fetch\n\
         \x20 {base}/demo/mcp      all six tools, and those of every file you add\n\
         (the same end in /sse, for clients that want that)\n\n"
    );
    match entrance {
        Entrance::Open => {}
        Entrance::Consent { .. } => text.push_str(
            "A client that is given an address alone opens a page where you allow it.\n\n",
        ),
        Entrance::Password { name, password, .. } => {
            let _ = writeln!(text, "Sign in as:\n  {name}  {password}\n");
        }
    }
    if let Some(token) = token {
        let _ = writeln!(
            text,
            "Token for {base}/claude, good until this process ends:\n  {token}\n"
        );
    }
    let _ = writeln!(
        text,
        "Try it:\n  curl -s {base}/claude/mcp -H 'Content-Type: application/json'{curl_header} -d \
         '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"execute_sql\",\
         \"arguments\":{{\"query\":\"SELECT TOP 3 ProductName, Price FROM Products ORDER BY Price DESC\"}}}}}}'\n"
    );
    let claude_code = header
        .as_ref()
        .map(|header| format!(" --header \"{header}\""))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "Claude Code:\n  claude mcp add --transport http sales {base}/claude/mcp{claude_code}\n"
    );
    let program = std::env::current_exe().map_or_else(
        |_| "mssql-mcp".to_owned(),
        |path| path.display().to_string(),
    );
    let desktop = serde_json::json!({
        "mcpServers": {"sales": {"command": program, "args": ["stdio", "--demo", "--scope", "claude"]}}
    });
    let _ = writeln!(
        text,
        "Claude Desktop (claude_desktop_config.json):\n  {desktop}\n"
    );
    let mut server = serde_json::json!({"type": "http", "url": format!("{base}/claude/mcp")});
    if let (Some(token), Some(server)) = (token, server.as_object_mut()) {
        server.insert(
            "headers".to_owned(),
            serde_json::json!({"Authorization": format!("Bearer {token}")}),
        );
    }
    let code = serde_json::json!({"servers": {"sales": server}});
    let _ = writeln!(text, "VS Code (.vscode/mcp.json):\n  {code}\n");
    let _ = writeln!(
        text,
        "Check what Claude and ChatGPT would find:\n  mssql-mcp doctor {base}/claude/mcp\n"
    );
    if base.starts_with("http:") {
        text.push_str(
            "ChatGPT and claude.ai reach public https addresses only: run a tunnel to this machine \
             and start\nagain with --public-url https://THE-TUNNEL.\n",
        );
    } else {
        let _ = writeln!(
            text,
            "claude.ai (Settings, Connectors, Add custom connector):\n  {base}/claude/mcp\n\n\
             ChatGPT (Settings, Connectors, Create; authentication OAuth):\n  {base}/chatgpt/mcp\n"
        );
    }
    let _ = writeln!(
        text,
        "Tool sets; replace or add a .wasm file, and it serves without a restart:\n  {}\n",
        tool_sets.display()
    );
    text.push_str("Ctrl-C stops it.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_in_every_line_that_needs_it_and_nowhere_without_one() {
        let base = "http://127.0.0.1:8008";
        let token = "mcp_at_1".to_owned();
        let with = ready(base, &Entrance::Consent { token }, Path::new("/t"));
        assert_eq!(with.matches("mcp_at_1").count(), 4, "{with}");
        let without = ready(base, &Entrance::Open, Path::new("/t"));
        assert!(
            !without.contains("Bearer") && !without.contains("Token"),
            "{without}"
        );
    }

    #[test]
    fn a_demo_behind_a_tunnel_shows_the_public_address_and_the_password() {
        let entrance = Entrance::Password {
            name: "demo",
            password: "the-password".to_owned(),
            token: "mcp_at_1".to_owned(),
        };
        let text = ready("https://demo.example.com", &entrance, Path::new("/t"));
        assert!(
            text.contains("the-password") && !text.contains("http:"),
            "{text}"
        );
    }
}
