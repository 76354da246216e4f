// Dates as Python's strftime writes them, in English and local time: templates put the date into prompts, and models were
// trained on English dates wherever their users are.

const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

const two = (value: number): string => String(value).padStart(2, "0");

const DIRECTIVES: Readonly<Record<string, (date: Date) => string>> = {
  Y: (d) => String(d.getFullYear()),
  y: (d) => two(d.getFullYear() % 100),
  m: (d) => two(d.getMonth() + 1),
  d: (d) => two(d.getDate()),
  e: (d) => String(d.getDate()).padStart(2, " "),
  B: (d) => MONTHS[d.getMonth()]!,
  b: (d) => MONTHS[d.getMonth()]!.slice(0, 3),
  A: (d) => DAYS[d.getDay()]!,
  a: (d) => DAYS[d.getDay()]!.slice(0, 3),
  H: (d) => two(d.getHours()),
  I: (d) => two(d.getHours() % 12 || 12),
  p: (d) => (d.getHours() < 12 ? "AM" : "PM"),
  M: (d) => two(d.getMinutes()),
  S: (d) => two(d.getSeconds()),
  j: (d) => String(dayOfYear(d)).padStart(3, "0"),
  F: (d) => strftime(d, "%Y-%m-%d"),
  T: (d) => strftime(d, "%H:%M:%S"),
  "%": () => "%",
};

/** Directives that are not known stay as they are. `%-d` and the like leave the padding out. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([A-Za-z%])/g, (whole, bare: string, letter: string) => {
    const text = DIRECTIVES[letter]?.(date);
    if (text === undefined) return whole;
    return bare ? text.replace(/^[0 ]+(?=.)/, "") : text;
  });
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1);
  return 1 + (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000;
}
