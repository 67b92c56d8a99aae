export const table: Record<string, readonly string[]> = {};
