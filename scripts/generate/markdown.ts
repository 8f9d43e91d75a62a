/** A table of Markdown; a cell may hold what would end it. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** Values as code, separated by commas. */
export function codes(values: readonly unknown[]): string {
  return values.map((value) => code(String(value))).join(", ");
}
