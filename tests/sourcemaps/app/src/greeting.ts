import { chooseLanguage } from "./texts";

export function greet(name: string): string {
  chooseLanguage("en");
  return `Hello, ${name}`;
}
