import { chooseLanguage, countedTexts } from "./texts";

/* Release 2 greets by the hour: new code before the rest of a bundle moves and renames what comes after it. */
const greetings: [number, string][] = [
  [5, "Good night"],
  [12, "Good morning"],
  [18, "Good afternoon"],
  [24, "Good evening"],
];

function greetingAt(hour: number): string {
  for (const [end, greeting] of greetings) {
    if (hour < end) {
      return greeting;
    }
  }
  return "Hello";
}

class Greeter {
  #hour: number;

  constructor(hour: number) {
    this.#hour = hour;
  }

  greet(name: string): string {
    return `${greetingAt(this.#hour)}, ${name}`;
  }
}

export function greet(name: string): string {
  chooseLanguage("en");
  const greeter = new Greeter(new Date().getHours());
  return `${greeter.greet(name)} (${countedTexts()} texts)`;
}
