/**
 * Saved histories are JSON, as Temporal's other tools write it. The SDK's own conversion fails in this installation
 * ("type must be a Type"): npm gave @temporalio/common and @temporalio/proto a copy of protobufjs each, and one does
 * not know the other's types. So it is done here with the copy that made the types.
 */
import { createRequire } from 'node:module';
import type { WorkflowHandle } from '@temporalio/client';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
interface Type { fromObject(value: unknown): unknown }
interface ProtoJson { fromJson(type: Type, json: unknown, options: object): unknown; toJson(type: Type, value: unknown): unknown }

const proto = createRequire(createRequire(import.meta.url).resolve('@temporalio/proto'));
const { fromJson, toJson } = proto('protobufjs/ext/protojson') as ProtoJson;
const { patchProtobufRoot } = proto('@temporalio/proto/lib/patch-protobuf-root') as { patchProtobufRoot(root: unknown): { lookupType(name: string): Type } };
const historyType = patchProtobufRoot(proto('@temporalio/proto')).lookupType('temporal.api.history.v1.History');

/** Without the names of the machine and the processes that took part. */
export function historyText(history: History): string {
  const json = JSON.stringify(toJson(historyType, historyType.fromObject(history)), null, 1);
  const recorded = json.replaceAll(/"(identity|workerInstanceKey)": "[^"]*"/g, '"$1": "recorded"');
  // Of a stack trace the message alone: its frames name folders of a machine.
  return `${recorded.replaceAll(/("stackTrace": "(?:[^"\\]|\\[^n])*)\\n(?:[^"\\]|\\.)*"/g, '$1"')}\n`;
}

/** A history that `Worker.runReplayHistory` takes. */
export const historyFrom = (json: unknown): unknown => fromJson(historyType, json, { ignoreUnknownFields: true });
