let language = "en";

export function chooseLanguage(chosen: string): void {
  language = chosen;
}

export function describe(text: string): string {
  return language === "en" ? text : `[${language}] ${text}`;
}
