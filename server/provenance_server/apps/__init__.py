"""Views that hosts of MCP Apps show beside an answer: HTML without any code of others."""
