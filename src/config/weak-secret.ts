/** Words that examples put in the place of a secret. They do not make a secret harder to guess. */
const placeholders =
  /changeit|change|replace|secret|password|passwort|passphrase|example|default|insecure|gatehouse|letmein|qwertyuiop|qwertz|qwerty|asdfghjkl|zxcvbnm|please|super|your|this|that|here|very|long|token|sign(ing|ed)?|random|string|minimum|characters?|development|production|testing|test|demo|admin|session|cookie|app|key|jwt|dev|todo|fixme|xxx|abc|123/gu;
const fewest = { characters: 12, different: 8 };

/**
 * Whether a secret of 32 characters or more is easy to guess: it has few different characters, repeats one part, has
 * characters in sequence, or is made of words from examples. The output of a generator is not easy to guess:
 * `openssl rand -hex 32`, a UUID, or base64 (ASVS 5.0 13.3.1, 11.5.1).
 */
export function isGuessable(secret: string): boolean {
  const plain = secret.toLowerCase().replace(/[\s_.-]/gu, '');
  const left = Array.from(withoutRuns(onePeriodOf(plain).replace(placeholders, '')));
  return left.length < fewest.characters || new Set(left).size < fewest.different;
}

/** The part that a text repeats, or the whole text if it repeats none. The last repeat may be cut off. */
function onePeriodOf(text: string): string {
  for (let period = 1; period <= (text.length * 2) / 3; period++)
    if (text.startsWith(text.slice(period))) return text.slice(0, period);
  return text;
}

/**
 * Keeps only the first two characters of a run. In a run, characters are equal or follow each other, as in `cdef` or
 * `9876`.
 */
function withoutRuns(text: string): string {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const step = (index: number) => (codes[index] ?? 0) - (codes[index - 1] ?? 0);
  return Array.from(text)
    .filter((_, index) => index < 2 || Math.abs(step(index)) > 1 || step(index) !== step(index - 1))
    .join('');
}
