import { readFileSync } from 'node:fs';
import specs from '@asyncapi/specs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { couponExample, eventExamples, promoteExample, riskExample, serviceExamples } from '../../schemas/asyncapi-examples.js';
import { asyncApiDocument, documentPath, documentText } from '../../schemas/asyncapi.js';
import { checkEvent } from '../../schemas/decode.js';
import { eventSchemas, eventTypes } from '../../schemas/events.js';
import { requestCheck, serviceSchemas, type ServiceName } from '../../schemas/services.js';
import { deadLetterHeaders } from '../../schemas/subjects.js';

interface Document {
  channels: Record<string, { address: string | null }>;
  components: { schemas: Record<string, object>; messages: Record<string, { headers?: { properties: object } }> };
}
const document = asyncApiDocument() as unknown as Document;
/** Formats are left unchecked: the ones that the official schema names need a package of their own. */
const ajv = (): Ajv => new Ajv({ strict: false, allErrors: true, validateFormats: false });

describe('the AsyncAPI document', () => {
  it('is valid by the official schema of AsyncAPI 3.0.0, which refuses a spoilt one', () => {
    const validate = ajv().compile(specs.schemasWithoutId['3.0.0'] as object);
    validate(document);
    expect(validate.errors).toBeNull();
    expect(validate({ ...document, channels: { click: { address: 5 } } })).toBe(false);
  });

  it(`is what ${documentPath} holds; else run: npm run build && node dist/schemas/asyncapi.js --write`, () => {
    expect(readFileSync(documentPath, 'utf8')).toBe(documentText());
  });

  it('has no reference that leads nowhere', () => {
    const text = documentText();
    for (const [, path] of text.matchAll(/"\$ref": "#\/([^"]+)"/g)) {
      const target = path.split('/').reduce<unknown>((here, key) => (here as Record<string, unknown> | undefined)?.[key], document);
      expect(target, path).toBeDefined();
    }
  });

  it('has a channel for each type, for envelopes, dead letters and services', () => {
    const addresses = Object.values(document.channels).map((channel) => channel.address);
    for (const type of [...eventTypes, 'batch']) expect(addresses).toContain(`events.${type}.{customer}`);
    for (const name of Object.keys(serviceSchemas)) expect(addresses).toContain(`aftercare.${name}`);
    expect(addresses).toContain('dlq.{reason}');
    expect(addresses).toContain('coupons.{customer}');
    expect(addresses).toContain('alerts.risk.{level}');
  });

  it('names the headers that a dead letter has', () => {
    const properties = document.components.messages.deadLetter.headers?.properties ?? {};
    expect(Object.keys(properties).sort()).toEqual(Object.values(deadLetterHeaders).sort());
  });
});

describe('its examples', () => {
  it.each(eventTypes)('the %s is valid, by our own check and by its published schema', (type) => {
    expect(checkEvent(eventExamples[type])).toEqual({ event: eventExamples[type] });
    const validate = ajv().compile(document.components.schemas[type]);
    expect(validate(eventExamples[type])).toBe(true);
    expect(validate({ ...eventExamples[type], surprise: 1 })).toBe(false);
  });

  it('the promotion is valid, by our own check and by the published schema', () => {
    expect(checkEvent(promoteExample)).toEqual({ event: promoteExample });
    const validate = ajv().compile(document.components.schemas.control);
    expect(validate(promoteExample)).toBe(true);
    expect(validate({ ...promoteExample, command: 'forget' })).toBe(false);
  });

  it.each(Object.keys(serviceSchemas) as ServiceName[])('the request to %s is valid', (name) => {
    const check = requestCheck(serviceSchemas[name]);
    expect(check(new TextEncoder().encode(JSON.stringify(serviceExamples[name].request)))).toHaveProperty('value');
  });

  it('the coupon is valid', () => {
    const validate = ajv().compile(document.components.schemas.coupon);
    expect(validate(couponExample)).toBe(true);
    expect(validate({ ...couponExample, code: 'I-AM-OF-ANOTHER-FORM' })).toBe(false);
  });

  it('the risk alert is valid', () => {
    const validate = ajv().compile(document.components.schemas.riskAlert);
    expect(validate(riskExample)).toBe(true);
    expect(validate({ ...riskExample, level: 'allow' })).toBe(false);
  });

  it('a schema is plain JSON Schema, the same after a round trip', () => {
    for (const type of eventTypes) expect(document.components.schemas[type]).toEqual(JSON.parse(JSON.stringify(eventSchemas[type])));
  });
});
