import * as Sentry from "@sentry/node";
import { makeMistakes } from "./bugs";
import { greet } from "./greeting";

console.debug(greet("Node"));
const root = process.env.APP_ROOT;
Sentry.init({
  dsn: process.env.SENTRY_DSN,
  release: process.env.RELEASE,
  dist: process.env.DIST || undefined,
  environment: "production",
  integrations: root ? [Sentry.rewriteFramesIntegration({ root })] : [],
});

async function main(): Promise<void> {
  await makeMistakes((error) => Sentry.captureException(error));
  await Sentry.close(20_000);
}

void main();
