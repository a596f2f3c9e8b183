import { describe } from "./texts";

/* Release 2 waits between the tries; the mistakes below are those of release 1, some lines further down. */
const WAITS = [100, 200, 400];

export function waitBefore(attempt: number): number {
  return WAITS[Math.min(attempt, WAITS.length - 1)]!;
}

/** Returns a function that gives up after some tries: nested closures, and a promise that nobody handles. */
export function makeRetrier(limit: number): () => void {
  let tries = 0;
  const giveUp = (reason: string): Promise<never> => {
    const failure = new Error(describe(`gave up after ${limit} tries: ${reason}`));
    return Promise.reject(failure);
  };
  return function retry(): void {
    tries += 1;
    if (tries >= limit) {
      void giveUp("接続 🔌 lost");
      return;
    }
    retry();
  };
}

export const summarise = (rows: string[]): string[] => {
  const parseRow = (row: string): string => {
    const [name, fields] = row.split("=");
    return `${name}: ${JSON.parse(fields!).length}`;
  };
  return rows.map((row) => parseRow(row));
};
