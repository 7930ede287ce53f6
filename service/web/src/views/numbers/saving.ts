/** What is shown as a file: numbers as CSV, drawings as PNG. */

/** Save rows; a text with a comma, quotes or line breaks is quoted (RFC 4180). */
export function saveCsv(name: string, rows: readonly (readonly (string | number)[])[]): void {
  const lines = rows.map((row) => row.map(cell).join(","));
  save(name, "csv", new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
}

/** Save a drawing on the ground that it has on the page, under some lines of text. */
export function savePng(name: string, drawn: HTMLCanvasElement, titles: readonly string[]): void {
  const style = getComputedStyle(document.documentElement);
  const size = Math.round(14 * devicePixelRatio);
  const height = Math.round(size * 1.6 * titles.length + size);
  const sheet = document.createElement("canvas");
  sheet.width = drawn.width;
  sheet.height = drawn.height + height;
  const context = sheet.getContext("2d");
  if (!context) return;
  context.fillStyle = style.getPropertyValue("--card").trim();
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.fillStyle = style.getPropertyValue("--ink").trim();
  context.textBaseline = "top";
  titles.forEach((title, at) => {
    context.font = `${at === 0 ? 700 : 400} ${size}px system-ui, sans-serif`;
    context.fillText(title, size, size * (0.6 + 1.6 * at));
  });
  context.drawImage(drawn, 0, height);
  sheet.toBlob((blob) => blob && save(name, "png", blob), "image/png");
}

function cell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function save(name: string, ending: string, blob: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").toLowerCase()}.${ending}`;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
