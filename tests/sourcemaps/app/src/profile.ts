import { describe } from "./texts";

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

async function fetchProfile(id: number): Promise<{ name: string }> {
  await pause();
  if (id % 2 === 1) {
    throw new TypeError(describe(`profile ${id % 2} has no name`));
  }
  return { name: `customer ${id}` };
}

export async function loadProfile(id: number): Promise<string> {
  const profile = await fetchProfile(id);
  return profile.name.toUpperCase();
}
