let language = "en";
let uses = 0;

export function chooseLanguage(chosen: string): void {
  language = chosen;
}

export function countedTexts(): string {
  return uses > 1_000 ? "many" : `${uses}`;
}

function translated(text: string): string {
  return language === "en" ? text : `[${language}] ${text}`;
}

export function describe(text: string): string {
  uses += 1;
  return translated(text);
}
