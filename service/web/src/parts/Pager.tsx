import { useState } from "preact/hooks";
import { useText } from "../text";
import { Button } from "./Button";

/** Where one is in a list that comes in pages, each behind the cursor of the one before. */
export interface Pages {
  cursor: string | undefined;
  first: boolean;
  next(cursor: string): void;
  previous(): void;
  reset(): void;
}

export function usePages(): Pages {
  const [cursors, setCursors] = useState<string[]>([]);
  return {
    cursor: cursors.at(-1),
    first: cursors.length === 0,
    next: (cursor) => setCursors([...cursors, cursor]),
    previous: () => setCursors(cursors.slice(0, -1)),
    reset: () => setCursors([]),
  };
}

/** The way to the page before and behind; nothing where there is only one. */
export function Pager({ pages, nextCursor }: { pages: Pages; nextCursor: string | null | undefined }) {
  const text = useText();
  if (pages.first && !nextCursor) return null;
  return (
    <div class="pager">
      <Button disabled={pages.first} onClick={pages.previous}>
        {text.parts.previous}
      </Button>
      <Button disabled={!nextCursor} onClick={() => nextCursor && pages.next(nextCursor)}>
        {text.parts.next}
      </Button>
    </div>
  );
}
