// The client of the second TypeScript SDK: of the handshake era unless it is told to negotiate.
const { EventEmitter } = require("node:events");
const { asked, load, work } = require("./journey.cjs");
const { Client, StreamableHTTPClientTransport } = load("@modelcontextprotocol/client");
const { StdioClientTransport } = load("@modelcontextprotocol/client/stdio");

const heard = new EventEmitter();
const client = new Client({ name: "typescript-v2", version: "1" }, asked.options);
const transport = asked.url
  ? new StreamableHTTPClientTransport(new URL(asked.url), { requestInit: { headers: asked.headers } })
  : new StdioClientTransport(asked.process);
const modern = asked.options.versionNegotiation?.mode === "auto";
const subscribe = (uri) =>
  modern ? client.listen({ resourceSubscriptions: [uri] }) : client.subscribeResource({ uri });
client.setNotificationHandler("notifications/resources/updated", ({ params }) => heard.emit("updated", params.uri));
work(client, transport, subscribe, heard);
