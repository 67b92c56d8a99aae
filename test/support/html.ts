/** The addresses that the links of a page lead to. */
export const linksOf = (html: string): string[] =>
  [...html.matchAll(/<a\s[^>]*?href="([^"]*)"/g)].map(([, href = '']) => href);

/** The words of the message on a page, in an element with that role; undefined where there is none. */
export function messageOf(html: string, role: 'alert' | 'status'): string | undefined {
  const found = new RegExp(`<div[^>]*role="${role}"[^>]*>([^]*?)</div>`).exec(html);
  return found?.[1] === undefined ? undefined : wordsOf(found[1]);
}

/** What a field of a form holds, and what a reader is told is wrong with it. */
export function fieldOf(html: string, name: string): { value: string | undefined; fault: string | undefined } {
  const input = new RegExp(`<input[^>]*\\sname="${name}"[^>]*>`).exec(html)?.[0];
  if (input === undefined) throw new Error(`The page has no field ${name}.`);
  const described = attributeOf(input, 'aria-describedby')?.split(' ') ?? [];
  const isWrong = attributeOf(input, 'aria-invalid') === 'true';
  const fault = described
    .map((id) => new RegExp(`<p class="mend" id="${id}">([^]*?)</p>`).exec(html)?.[1])
    .find(Boolean);
  return { value: attributeOf(input, 'value'), fault: isWrong && fault ? wordsOf(fault) : undefined };
}

const attributeOf = (tag: string, name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];

const wordsOf = (html: string) =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
