"""Hold the MCP server and the operations every door shares."""
