// The same work with every client written in TypeScript: what it saw is printed as JSON.
const { once } = require("node:events");
const { createRequire } = require("node:module");

const NOTICE_SECONDS = 20;

/** The instruction, as the test wrote it: where to go, and what is broken there. */
exports.asked = JSON.parse(process.argv[2]);
exports.load = createRequire(`${exports.asked.packages}/`);

/** Say how a promise ended: what it refused, in its words and number. */
async function refusal(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

function toolAnswer(result) {
  return { isError: result.isError ?? false, text: result.content[0].text, structured: result.structuredContent };
}

/**
 * Do the work and print what was seen.
 *
 * @param client A client that is not connected yet.
 * @param transport Where it goes.
 * @param subscribe Given the client and a URI, begins to listen; null where that cannot be.
 * @param heard An EventEmitter that tells "updated" with each URI that the client hears of.
 */
exports.work = async function work(client, transport, subscribe, heard) {
  const { issue, origin } = exports.asked;
  const uri = `provenance://issues/${issue}`;
  const call = async (name, args) => toolAnswer(await client.callTool({ name, arguments: args }));
  await client.connect(transport);
  const seen = {
    era: client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? null,
    server: client.getServerVersion().name,
    tools: (await client.listTools()).tools.map((tool) => tool.name),
    listed: await call("get_error_issues", { origin, status: ["open"] }),
    detail: await call("get_error_issue", { issueId: issue }),
    refused: await call("get_error_issue", { issueId: `${origin}-999` }),
    resources: (await client.listResources()).resources.map((resource) => resource.uri),
    resource: (await client.readResource({ uri })).contents[0],
    missing: await refusal(client.readResource({ uri: `provenance://issues/${origin}-999` })),
    prompt: (await client.getPrompt({ name: "fix_error", arguments: { issueId: issue } })).messages[0].content.text,
    completed: (
      await client.complete({
        ref: { type: "ref/resource", uri: "provenance://issues/{id}" },
        argument: { name: "id", value: origin },
      })
    ).completion.values,
  };
  seen.unheard = await refusal(subscribe(uri));
  const limit = AbortSignal.timeout(NOTICE_SECONDS * 1000);
  const notice = seen.unheard ? null : once(heard, "updated", { signal: limit });
  seen.changed = await call("update_error_issue_status", { issueId: issue, status: "resolved" });
  seen.heard = notice ? (await notice)[0] : null;
  await client.close();
  console.log(JSON.stringify(seen));
  process.exit(0);
};
