import { useEffect, useRef } from "preact/hooks";

export interface Link {
  href: string;
  title: string;
  current: boolean;
}

/** Links to views or parts of one; that of where one is can be seen, also where not all fit. */
export function Links({ label, links, class: name }: { label: string; links: readonly Link[]; class?: string }) {
  const shown = useRef<HTMLElement>(null);
  const current = links.find((link) => link.current)?.href;
  useEffect(() => {
    shown.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current, links.length]);
  return (
    <nav ref={shown} class={name} aria-label={label}>
      {links.map(({ href, title, current }) => (
        <a key={href} href={href} aria-current={current ? "page" : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}
