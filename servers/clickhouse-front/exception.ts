/** An error as ClickHouse tells it: a number, a name and a text that clients parse. */
export class ClickHouseException extends Error {
  readonly code: number;
  readonly type: string;
  constructor(code: number, type: string, message: string) {
    super(message);
    this.code = code;
    this.type = type;
  }
}

/** `ClickHouseException` for what this front refuses by itself, with ClickHouse's own number for the case. */
export const refuse = {
  syntax: (why: string) => new ClickHouseException(62, 'SYNTAX_ERROR', why),
  access: (why: string) => new ClickHouseException(497, 'ACCESS_DENIED', why),
  readonly: (why: string) => new ClickHouseException(164, 'READONLY', why),
  tooLarge: (why: string) => new ClickHouseException(307, 'TOO_MANY_BYTES', why),
  unsupported: (why: string) => new ClickHouseException(48, 'NOT_IMPLEMENTED', why),
  locked: (why: string) => new ClickHouseException(373, 'SESSION_IS_LOCKED', why),
  argument: (why: string) => new ClickHouseException(36, 'BAD_ARGUMENTS', why),
};

/**
 * The engine's text, `Code: 60. DB::Exception: Unknown table ... (UNKNOWN_TABLE)`, taken apart. An error inside an
 * insert comes wrapped: `Code: 117. DB::Exception: Code: 117. DB::Exception: ... (INCORRECT_DATA) (version ...). (INCORRECT_DATA)`.
 */
export function fromEngine(error: unknown): ClickHouseException {
  if (error instanceof ClickHouseException) return error;
  const text = (error instanceof Error ? error.message : String(error)).trim();
  const match = /^(?:Code: (\d+)\. DB::Exception: )+([\s\S]*)$/.exec(text);
  if (match === null) return new ClickHouseException(1002, 'UNKNOWN_EXCEPTION', text);
  const type = /\(([A-Z0-9_]+)\)$/.exec(match[2])?.[1] ?? 'UNKNOWN_EXCEPTION';
  const message = match[2].replace(/(?:\.? \((?:[A-Z0-9_]+|version [^()]*)\))+$/, '');
  return new ClickHouseException(Number(match[1]), type, message);
}

/** The body of an error response; `@clickhouse/client` reads code, text and name back out of exactly this form. */
export function bodyOf(e: ClickHouseException, version: string): string {
  return `Code: ${e.code}. DB::Exception: ${e.message} (${e.type}) (version ${version})\n`;
}

const statusByCode = new Map<number, number>([
  ...[6, 26, 27, 36, 38, 41, 53, 62, 69, 70, 72, 115, 117, 130, 131, 321, 386, 456, 457, 471].map((code) => [code, 400] as const),
  ...[46, 47, 50, 56, 60, 63, 73, 78, 81, 279, 372].map((code) => [code, 404] as const),
  ...[192, 193, 497, 516].map((code) => [code, 403] as const),
  [194, 401], [307, 413], [48, 501],
]);

/** The HTTP status that ClickHouse's own HTTP interface answers for an exception code. */
export function statusOf(e: ClickHouseException): number {
  return statusByCode.get(e.code) ?? 500;
}
