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

/** A table; on narrow screens every row is a list of titles and values.
 *
 * The roles are named since a browser drops them with the layout of a table.
 */
export function Table<T>({ caption, columns, rows, keyOf }: Properties<T>) {
  return (
    <div class="table" role="region" aria-label={caption} tabIndex={0}>
      <table role="table">
        <caption class="unseen">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title, number }) => (
              <th key={title} role="columnheader" scope="col" class={number ? "number" : ""}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row">
              {columns.map(({ title, cell, number }) => (
                <td key={title} role="cell" class={number ? "number" : ""} data-title={title}>
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
