/** One line of a process's log: JSON, so that machines read it, on stderr, so that results on stdout stay clean. */
export type LogFields = Record<string, string | number | boolean | undefined>;
export type Logger = (level: 'info' | 'warn' | 'error', message: string, fields?: LogFields) => void;

export function stderrLogger(part: string): Logger {
  return (level, message, fields = {}) => {
    process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), level, part, message, ...fields })}\n`);
  };
}

export const silentLogger: Logger = () => undefined;
