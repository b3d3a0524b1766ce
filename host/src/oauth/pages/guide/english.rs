//! English.

use super::{GuideTexts, Steps};

pub(super) const ENGLISH: GuideTexts = GuideTexts {
    home_title: "A server for your assistant",
    home_lead: "Claude, ChatGPT and other assistants that speak MCP can look things up in a database of \
                Microsoft SQL Server through this server, in your name and with what you may see.",
    account: "Your account",
    account_means: "See what you have allowed, take it back, change your password.",
    how: "How to connect",
    docs_title: "How to connect",
    docs_lead: "An assistant needs one address. The rest it finds out by itself.",
    not_public: "This address is one of this machine or its network. Programs here can use it; claude.ai \
                 and ChatGPT can not, since their servers must reach it over https from the internet.",
    addresses: "Addresses",
    for_claude: "Claude",
    for_chatgpt: "ChatGPT",
    at_root: "Without a name",
    for_others: "Other ways in",
    others_mean: "Your administrator tells you the name, if there are others for you.",
    no_slash: "Copy them as they are, without a slash at the end. Clients that want server-sent events \
               end them in /sse in place of /mcp.",
    copy: "Copy",
    copied: "Copied",
    claude: Steps {
        title: "Claude: web, desktop and mobile",
        lead: "Add it once on the web or on the desktop; it is on the phone then, too.",
        steps: &[
            "Open Settings, then Connectors.",
            "Choose Add custom connector, give it a name, and paste the address for Claude.",
            "Leave the advanced settings empty, and choose Add, then Connect.",
            "In a conversation, switch it on in the menu of tools.",
        ],
        note: "On Team and Enterprise plans an owner adds it under the organisation's connectors first; \
               then everybody connects to it there.",
    },
    chatgpt: Steps {
        title: "ChatGPT",
        lead: "Connectors of your own need the developer mode, which not every plan has.",
        steps: &[
            "On the web, open Settings, then Connectors (or Apps), Advanced settings, and switch on \
             Developer mode. In a company's workspace an administrator allows it first, in the \
             workspace's settings.",
            "Back under Connectors choose Create. Give it a name, paste the address for ChatGPT, and \
             choose OAuth for authentication.",
            "Say that you trust it, and choose Create.",
            "In a conversation, choose it in the menu beside the text field.",
        ],
        note: "Searching and fetching also work in deep research.",
    },
    claude_code: Steps {
        title: "Claude Code",
        lead: "In a terminal:",
        steps: &["Then type /mcp in Claude Code, choose the server, and sign in."],
        note: "",
    },
    vs_code: Steps {
        title: "VS Code",
        lead: "In .vscode/mcp.json of your folder, or with the command \"MCP: Add Server\":",
        steps: &["Choose Start above the entry, and let VS Code sign in when it asks."],
        note: "",
    },
    after: Steps {
        title: "What happens then",
        lead: "Your browser opens a page of this server.",
        steps: &[
            "Sign in, as your administrator has given it to you.",
            "The page says which application asks and what it may do. Allow it only if you have just \
             started this yourself.",
            "You are back in the application. Under your account you can take it back at any time.",
        ],
        note: "",
    },
    after_open: "Nobody signs in at this server: it answers programs on its own machine.",
    trouble: Steps {
        title: "When it does not connect",
        lead: "",
        steps: &[
            "Compare the address, letter by letter: https, no slash at the end.",
            "Remove the connection in the application and add it again.",
            "\"You may not enter here\" means that you have signed in, and that the administrator has to \
             let you in.",
            "Your administrator can have each step tried and named:",
        ],
        note: "",
    },
    back: "Overview",
};
