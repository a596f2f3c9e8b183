"""What an MCP server costs an agent, in tokens: ours, and a peer's on the same events."""
