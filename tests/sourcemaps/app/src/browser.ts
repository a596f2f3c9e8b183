import * as Sentry from "@sentry/browser";
import { makeMistakes } from "./bugs";
import { greet } from "./greeting";

document.title = greet(navigator.userAgent);
const settings = new URLSearchParams(location.search);
Sentry.init({
  dsn: settings.get("dsn") ?? undefined,
  release: settings.get("release") ?? undefined,
  dist: settings.get("dist") || undefined,
  environment: "production",
});

async function main(): Promise<void> {
  await makeMistakes((error) => Sentry.captureException(error));
  const sent = await Sentry.flush(20_000);
  await fetch(`/done?sent=${sent}`, { method: "POST" });
}

void main();
