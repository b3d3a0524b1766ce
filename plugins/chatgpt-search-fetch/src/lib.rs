//! Tool set for ChatGPT: search and fetch.
