// Numbers for people.

export function bytes(count: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

export function count(value: number): string {
  for (const [size, suffix] of [
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "K"],
  ] as const) {
    if (value >= size) return `${(value / size).toPrecision(3)}${suffix}`;
  }
  return String(value);
}

/** To so many significant digits, for JSON that people read. */
export function rounded(value: number, digits = 5): number {
  return Number(value.toPrecision(digits));
}
