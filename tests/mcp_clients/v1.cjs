// The client of the first TypeScript SDK, which knows the handshake era only.
const { EventEmitter } = require("node:events");
const { asked, load, work } = require("./journey.cjs");
const { Client } = load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = load("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { ResourceUpdatedNotificationSchema } = load("@modelcontextprotocol/sdk/types.js");

const heard = new EventEmitter();
const client = new Client({ name: "typescript-v1", version: "1" });
const transport = asked.url
  ? new StreamableHTTPClientTransport(new URL(asked.url), { requestInit: { headers: asked.headers } })
  : new StdioClientTransport(asked.process);
client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => heard.emit("updated", params.uri));
transport.setProtocolVersion ??= (version) => (transport.protocolVersion = version);
work(client, transport, (uri) => client.subscribeResource({ uri }), heard);
