import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type AnySchema } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { acquire } from '../../servers/binaries.js';
import { run } from '../../servers/fetch-binary.js';
import { tempDir } from '../servers/temp-dir.js';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Service {
  image?: string;
  build?: unknown;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  configs?: { source: string; target: string }[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: unknown;
  restart?: string;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks: Record<string, unknown>;
  configs: Record<string, { content: string }>;
}

const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);

describe('docker-compose.yml', () => {
  it('is valid by the schema of the Compose Specification', () => {
    const schema = JSON.parse(read('test/compose/compose-spec.json')) as Record<string, unknown>;
    delete schema.$schema; // ajv knows draft 7 under another spelling
    const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema as AnySchema);
    const { services: all, ...rest } = compose;
    expect(validate({ ...rest, services: all }) ? [] : validate.errors).toEqual([]);
    expect(validate({ services: { broken: { image: 1 } } })).toBe(false); // the schema is really applied
  });

  it('describes the whole system', () => {
    expect(services.map(([name]) => name).sort()).toEqual(['clickhouse', 'nats-1', 'nats-2', 'nats-3', 'postgresql', 'prepare', 'shard-0', 'sink', 'temporal', 'temporal-ui', 'worker']);
  });

  it('opens host ports on the loopback alone', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(new Set(ports.map((port) => port.split(':')[1])).size).toBe(ports.length);
  });

  it.each(services)('%s: refers only to what is declared, and comes back after a crash', (name, service) => {
    for (const volume of service.volumes ?? []) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
    for (const network of service.networks ?? []) expect(Object.keys(compose.networks)).toContain(network);
    for (const { source } of service.configs ?? []) expect(Object.keys(compose.configs)).toContain(source);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      // `prepare` ends; everything else is waited for until it is healthy
      expect(condition).toBe(other === 'prepare' ? 'service_completed_successfully' : 'service_healthy');
      expect(compose.services[other].healthcheck).toBeDefined();
      expect(sharedNetworks(service, compose.services[other])).not.toEqual([]);
    }
    expect(service.restart).toBe(name === 'prepare' ? 'on-failure' : 'unless-stopped');
  });

  it.each(services)('%s: its image is pinned', (_name, { image }) => {
    expect(image).toMatch(/^[a-z/-]+:\d+\.\d+/);
  });

  it('depends on nothing in a circle', () => {
    const visit = (name: string, above: string[]): void => {
      expect(above).not.toContain(name);
      for (const other of Object.keys(compose.services[name].depends_on ?? {})) visit(other, [...above, name]);
    };
    for (const [name] of services) visit(name, []);
  });

  it('declares no volume, network or configuration that nobody uses', () => {
    const used = (pick: (service: Service) => string[]): string[] => [...new Set(services.flatMap(([, service]) => pick(service)))].sort();
    expect(used((service) => (service.volumes ?? []).map((volume) => volume.split(':')[0]))).toEqual(Object.keys(compose.volumes).sort());
    expect(used((service) => service.networks ?? [])).toEqual(Object.keys(compose.networks).sort());
    expect(used((service) => (service.configs ?? []).map(({ source }) => source))).toEqual(Object.keys(compose.configs).sort());
  });

  it('holds no password: each comes from a required variable', () => {
    for (const [name, value] of services.flatMap(([, service]) => Object.entries(service.environment ?? {}))) {
      if (/PASSWORD|PWD|TOKEN|SECRET/.test(name)) expect(value).toMatch(/^\$\{[A-Z_]+:\?[^}]+\}$/);
    }
    for (const [, value] of text.matchAll(/password: "([^"]*)"/g)) expect(value).toMatch(/^\$\{NATS_PASSWORD:\?/);
  });
});

describe('the NATS cluster', () => {
  const nodes = services.filter(([name]) => name.startsWith('nats-'));

  it('has a configuration that nats-server itself accepts', async () => {
    const temp = tempDir();
    const file = join(temp.path, 'nats.conf');
    writeFileSync(file, compose.configs.nats.content.replaceAll(/\$\{NATS_PASSWORD:\?[^}]+\}/g, 'abc123').replaceAll('/data', temp.path));
    const { path } = await acquire('nats-server');
    expect(await run(path, ['-t', '--config', file, '--name', 'nats-1'], process.env)).toContain('is valid');
    temp.remove();
  });

  it('has three nodes with names and volumes of their own, each with routes to all', () => {
    expect(nodes).toHaveLength(3);
    const config = compose.configs.nats.content;
    const routes = [...config.matchAll(/"nats:\/\/route:[^@"]+@([^"]+)"/g)].map(([, address]) => address);
    expect(routes).toEqual(nodes.map(([name]) => `${name}:6222`));
    for (const [name, node] of nodes) {
      expect(node.command).toEqual(['--config', '/etc/nats/nats.conf', '--name', name]);
      expect(node.volumes).toEqual([`${name}:/data`]);
      expect(node.configs).toEqual([{ source: 'nats', target: '/etc/nats/nats.conf' }]);
    }
    expect(config).toContain('store_dir: "/data"');
  });
});

describe('the workers', () => {
  const workers = services.filter(([name, service]) => service.build !== undefined && name !== 'prepare');

  it('run the three parts from one image, on all of the servers', () => {
    expect(Object.fromEntries(workers.map(([name, { command }]) => [name, command]))).toEqual({ 'shard-0': ['shard', '--shards', '0'], sink: ['sink'], worker: ['worker'] });
    for (const [, { environment, depends_on: depends }] of workers) {
      expect(environment?.NATS_URL).toBe('nats://nats-1:4222,nats://nats-2:4222,nats://nats-3:4222');
      expect(environment?.AFTERCARE_REPLICAS).toBe('3');
      expect(Object.keys(depends ?? {}).sort()).toEqual(['clickhouse', 'nats-1', 'nats-2', 'nats-3', 'prepare', 'temporal']);
    }
  });

  it('have a shard service for each shard', () => {
    const shards = Number(compose.services.sink.environment?.AFTERCARE_SHARDS);
    const served = workers.flatMap(([, { command }]) => (command?.[0] === 'shard' ? command[2].split(',').map(Number) : []));
    expect(served.sort()).toEqual(Array.from({ length: shards }, (_, shard) => shard));
  });

  it('are built by a Dockerfile that copies only what is there', () => {
    const dockerfile = read('Dockerfile');
    const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, sources]) => sources.split(' '));
    for (const source of copied) expect(existsSync(join(root, source))).toBe(true);
    const entry = /^ENTRYPOINT (\[.+\])$/m.exec(dockerfile)?.[1];
    expect(JSON.parse(entry ?? 'null')).toEqual(['node', 'bin/aftercare.mjs']);
    expect(dockerfile).toMatch(/^USER node$/m);
  });
});

function sharedNetworks(one: Service, other: Service): string[] {
  return (one.networks ?? []).filter((network) => other.networks?.includes(network));
}
