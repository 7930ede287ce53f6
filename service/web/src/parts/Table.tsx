import type { ComponentChildren } from "preact";

/** A column: its title, and what stands in it of a row. */
export interface Column<T> {
  title: string;
  cell(row: T): ComponentChildren;
  /** Numbers stand to the right. */
  number?: boolean;
}

interface Properties<T> {
  /** Read aloud before the table. */
  caption: string;
  columns: Column<T>[];
  rows: readonly T[];
  keyOf(row: T): string;
}

/** A table; on narrow screens it scrolls by itself, also with the keyboard. */
export function Table<T>({ caption, columns, rows, keyOf }: Properties<T>) {
  return (
    <div class="table" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, number }) => (
              <th key={title} scope="col" class={number ? "number" : ""}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, cell, number }) => (
                <td key={title} class={number ? "number" : ""}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
